"""Archives on their way out: to standard output, or to a file that is whole or not there."""

import os

from wherry.cli.context import OutputClosed
from wherry.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def write_out(pieces: "Iterator[bytes]") -> None:
    """Write to standard output; OutputClosed when nobody reads it any more."""
    for piece in pieces:
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[os.write(1, rest) :]
        except BrokenPipeError:
            raise OutputClosed from None


def write_file(path: str, pieces: "Iterator[bytes]", what: str) -> None:
    """Write beside `path` and rename, so that a failure leaves what was there."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "xb") as file:
            for piece in pieces:
                file.write(piece)
        os.replace(temporary, path)
    except OSError as error:
        raise InvalidArgument(f"failed to export {what}: {error.strerror}: {path}") from error
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)
