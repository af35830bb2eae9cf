"""wherry diff"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax

SYNTAX = Syntax("CONTAINER", least=1, most=1)


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.containers.diff import container_changes  # --help does without the engine

    for change in container_changes(context.engine, flags.operands[0]):
        context.out(f"{change.kind.value} {change.path}")
