"""wherry unpause"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax

SYNTAX = Syntax("CONTAINER [CONTAINER...]", least=1, most=None)


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    # --help does without the engine
    from wherry.engine.containers.unpause import unpause_container

    context.for_each(
        flags.operands,
        lambda name: unpause_container(context.engine, name),
    )
