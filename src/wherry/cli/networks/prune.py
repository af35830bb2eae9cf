"""wherry network prune"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, Filters, FlagSet, Syntax

SYNTAX = Syntax("[OPTIONS]", least=0, most=0)
_WARNING = "WARNING! This will remove all custom networks not used by at least one container."


class Flags(FlagSet):
    filter = Filters("", 'Provide filter values (e.g. "until=<timestamp>")')
    force = Boolean("f", "Do not prompt for confirmation")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.networks.remove import prune_networks  # --help does without the engine

    if not flags.force:
        context.out(_WARNING)
        if not context.confirmed("Are you sure you want to continue?"):
            return
    names = prune_networks(context.engine, flags.filter)
    if names:
        context.out("Deleted Networks:")
        for name in names:
            context.out(name)
        context.out("")
