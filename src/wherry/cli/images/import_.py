"""wherry import"""

import os

from wherry.cli.context import Context, is_terminal
from wherry.cli.flags import FlagSet, String, Strings, Syntax
from wherry.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SYNTAX = Syntax("[OPTIONS] file|URL|- [REPOSITORY[:TAG]]", least=1, most=2)


class Flags(FlagSet):
    change = Strings("c", "Apply Dockerfile instruction to the created image")
    message = String("m", "Set commit message for imported image")
    platform = String("", "Set platform if server is multi-platform capable")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.images.import_ import import_image
    from wherry.images.download import is_url  # --help does without the engine
    from wherry.oci.platform import Platform

    source, *name = flags.operands
    default = f"Imported from {source if is_url(source) else '-'}"
    identifier = import_image(
        context.engine,
        _pieces(source, context),
        name[0] if name else "",
        changes=flags.change,
        message=flags.message or default,
        platform=Platform.parse(flags.platform) if flags.platform else None,
    )
    context.out(str(identifier))


def _pieces(source: str, context: Context) -> "Iterator[bytes]":
    from wherry.images.download import downloaded, is_url
    from wherry.store.blobs import read_chunks

    if is_url(source):
        if is_terminal(1):
            context.out(f"Downloading from {source}")
            context.flush()
        return downloaded(source)
    if source == "-":
        return read_chunks(open(0, "rb", buffering=0, closefd=False))
    try:
        return read_chunks(open(source, "rb", buffering=0))
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise InvalidArgument(f"open {source}: {reason}") from error
