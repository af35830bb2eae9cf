"""wherry top"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax
from wherry.cli.tables import table_lines

SYNTAX = Syntax("CONTAINER [ps OPTIONS]", least=1, most=None, interspersed=False)
_WIDTH = 20  # of a column at least


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.containers.top import container_processes  # --help does without the engine

    name, *arguments = flags.operands
    table = container_processes(context.engine, name, arguments)
    for line in table_lines([table.titles, *table.rows], least=_WIDTH, padding=1):
        context.out(line)
