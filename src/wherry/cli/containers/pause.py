"""wherry pause"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax

SYNTAX = Syntax("CONTAINER [CONTAINER...]", least=1, most=None)


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    # --help does without the engine
    from wherry.engine.containers.pause import pause_container

    context.for_each(
        flags.operands,
        lambda name: pause_container(context.engine, name),
    )
