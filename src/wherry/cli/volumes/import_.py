"""wherry volume import"""

import os

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SYNTAX = Syntax("VOLUME [FILE|-]", least=1, most=2)
_PIECE = 1 << 18


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.volumes.content import import_volume  # --help does without the engine

    name, *files = flags.operands
    path = files[0] if files else "-"
    descriptor = 0 if path == "-" else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    volume = import_volume(context.engine, name, _pieces(descriptor))
    context.out(volume.name)


def _pieces(descriptor: int) -> "Iterator[bytes]":
    while piece := os.read(descriptor, _PIECE):
        yield piece
