"""wherry rename"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax

SYNTAX = Syntax("CONTAINER NEW_NAME", least=2, most=2)


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.containers.rename import rename_container  # --help does without the engine

    rename_container(context.engine, *(word.strip() for word in flags.operands))
