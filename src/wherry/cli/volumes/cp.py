"""wherry volume cp"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax

SYNTAX = Syntax("SOURCE_VOLUME NEW_VOLUME", least=2, most=2)


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.volumes.content import copy_volume  # --help does without the engine

    context.out(copy_volume(context.engine, *flags.operands).name)
