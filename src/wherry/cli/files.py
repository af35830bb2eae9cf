"""Archives on their way out: to a file, which appears when it is whole, or to standard output."""

import os

from wherry.cli.context import OutputClosed, OutputFailed, is_terminal
from wherry.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def refuse_terminal(output: str) -> None:
    """An archive without a file's name would be shown to a person."""
    if not output and is_terminal(1):
        raise InvalidArgument(
            "cowardly refusing to save to a terminal. Use the -o flag or redirect"
        )


def write_archive(output: str, pieces: "Iterator[bytes]", failure: str) -> None:
    """To the file `output`, or without one to standard output."""
    if output:
        write_file(output, pieces, failure)
    else:
        write_out(pieces)


def write_out(pieces: "Iterator[bytes]") -> None:
    """Write to standard output; raises OutputClosed or OutputFailed."""
    for piece in pieces:
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[os.write(1, rest) :]
        except BrokenPipeError:
            raise OutputClosed from None
        except OSError as error:
            raise OutputFailed(error) from error


def write_file(path: str, pieces: "Iterator[bytes]", failure: str) -> None:
    """Write beside `path` and rename, so that a failure leaves what was there.

    What is no regular file, such as /dev/null or a pipe, is written to as it is.
    """
    folder = os.path.dirname(path) or "."
    try:
        os.stat(f"{folder}/.")
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise InvalidArgument(f"{failure}: invalid output path: stat {folder}: {reason}") from error
    if os.path.isdir(path):
        raise InvalidArgument(f"{failure}: cannot write to a directory")
    if os.path.exists(path) and not os.path.isfile(path):
        temporary = path
    else:
        temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb" if temporary == path else "xb", buffering=0) as file:
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    rest = rest[file.write(rest) :]
        if temporary != path:
            os.replace(temporary, path)
    except OSError as error:
        raise InvalidArgument(f"{failure}: {path}: {(error.strerror or '').lower()}") from error
    finally:
        if temporary != path and os.path.lexists(temporary):
            os.unlink(temporary)
