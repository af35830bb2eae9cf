"""wherry pause"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax
from wherry.errors import WherryError

SYNTAX = Syntax("CONTAINER [CONTAINER...]", least=1, most=None)


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    # --help does without the engine
    from wherry.engine.containers.pause import pause_container

    for name in flags.operands:
        try:
            pause_container(context.engine, name)
        except WherryError as error:
            context.fail(error)  # and go on: the other names were asked for too
        else:
            context.out(name)
