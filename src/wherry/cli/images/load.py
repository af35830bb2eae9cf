"""wherry load"""

import os

from wherry.cli.context import Context, is_terminal
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from wherry.engine.images.load import LoadedImage

SYNTAX = Syntax("[OPTIONS]")


class Flags(FlagSet):
    input = String("i", "Read from tar archive file, instead of STDIN")
    platform = String("", 'Load only the given platform. Formatted as "os[/arch[/variant]]"')
    quiet = Boolean("q", "Suppress the load output")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.images.load import load_images  # --help does without the engine
    from wherry.oci.platform import Platform

    platform = Platform.parse(flags.platform) if flags.platform else None
    with _opened(flags.input) as source:
        if flags.quiet or not is_terminal(1):
            loaded = load_images(context.engine, source, platform=platform)
        else:
            from wherry.cli.progress import Bars  # for people only

            with Bars(context) as bars:
                loaded = load_images(
                    context.engine,
                    source,
                    platform=platform,
                    progress=lambda layer, done, total: bars.show(
                        layer.short, "Loading layer", done, total
                    ),
                )
    for image in loaded:
        _tell(image, context)


def _opened(path: str) -> "BinaryIO":
    if not path:
        if is_terminal(0):
            raise InvalidArgument("requested load from stdin, but stdin is empty")
        return open(0, "rb", buffering=0, closefd=False)
    try:
        return open(path, "rb", buffering=0)
    except OSError as error:
        raise InvalidArgument(f"open {path}: {os.strerror(error.errno or 0).lower()}") from error


def _tell(loaded: "LoadedImage", context: Context) -> None:
    for name, previous in loaded.moved:
        context.out(
            f"The image {name} already exists, renaming the old one with ID {previous}"
            " to empty string"
        )
    for name in loaded.names:
        context.out(f"Loaded image: {name}")
    if not loaded.names:
        context.out(f"Loaded image ID: {loaded.image.id}")
