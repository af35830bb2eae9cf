"""wherry volume mv"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax

SYNTAX = Syntax("VOLUME NEW_NAME", least=2, most=2)


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.volumes.content import move_volume  # --help does without the engine

    context.out(move_volume(context.engine, *flags.operands).name)
