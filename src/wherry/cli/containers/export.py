"""wherry export"""

import os

from wherry.cli.context import Context, OutputClosed, is_terminal
from wherry.cli.flags import FlagSet, String, Syntax
from wherry.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SYNTAX = Syntax("[OPTIONS] CONTAINER", least=1, most=1)


class Flags(FlagSet):
    output = String("o", "Write to a file, instead of STDOUT")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.containers.export import export_container  # --help does without the engine

    if not flags.output and is_terminal(1):
        raise InvalidArgument(
            "cowardly refusing to save to a terminal. Use the -o flag or redirect"
        )
    pieces = export_container(context.engine, flags.operands[0])
    if flags.output:
        _write_file(flags.output, pieces)
    else:
        _write_out(pieces)


def _write_out(pieces: "Iterator[bytes]") -> None:
    for piece in pieces:
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[os.write(1, rest) :]
        except BrokenPipeError:
            raise OutputClosed from None


def _write_file(path: str, pieces: "Iterator[bytes]") -> None:
    """Write beside `path` and rename, so that a failure leaves what was there."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "xb") as file:
            for piece in pieces:
                file.write(piece)
        os.replace(temporary, path)
    except OSError as error:
        raise InvalidArgument(f"failed to export container: {error.strerror}: {path}") from error
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)
