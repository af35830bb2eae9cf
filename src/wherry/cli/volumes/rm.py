"""wherry volume rm"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, Syntax

SYNTAX = Syntax("[OPTIONS] VOLUME [VOLUME...]", least=1, most=None)


class Flags(FlagSet):
    force = Boolean("f", "Force the removal of one or more volumes")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.volumes.remove import remove_volume  # --help does without the engine

    context.for_each(
        flags.operands,
        lambda name: remove_volume(context.engine, name, force=flags.force),
    )
