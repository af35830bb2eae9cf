"""wherry network rm"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, Syntax
from wherry.errors import NotFound, WherryError

SYNTAX = Syntax("NETWORK [NETWORK...]", least=1, most=None)


class Flags(FlagSet):
    force = Boolean("f", "Do not error if the network does not exist")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.networks.remove import remove_network  # --help does without the engine

    for name in flags.operands:
        try:
            remove_network(context.engine, name)
        except WherryError as error:
            if not (flags.force and isinstance(error, NotFound)):
                context.fail(error)  # and go on: the other names were asked for too
        else:
            context.out(name)
