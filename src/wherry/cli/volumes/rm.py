"""wherry volume rm"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, Syntax
from wherry.errors import WherryError

SYNTAX = Syntax("[OPTIONS] VOLUME [VOLUME...]", least=1, most=None)


class Flags(FlagSet):
    force = Boolean("f", "Force the removal of one or more volumes")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.volumes.remove import remove_volume  # --help does without the engine

    for name in flags.operands:
        try:
            remove_volume(context.engine, name, force=flags.force)
        except WherryError as error:
            context.fail(error)  # and go on: the other names were asked for too
        else:
            context.out(name)
