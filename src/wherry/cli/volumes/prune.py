"""wherry volume prune"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, Filters, FlagSet, Syntax
from wherry.cli.units import human_size

SYNTAX = Syntax("[OPTIONS]", least=0, most=0)
_ANONYMOUS = "WARNING! This will remove anonymous local volumes not used by at least one container."
_ALL = "WARNING! This will remove all local volumes not used by at least one container."


class Flags(FlagSet):
    all = Boolean("a", "Remove all unused volumes, not just anonymous ones")
    filter = Filters("", 'Provide filter values (e.g. "label=<label>")')
    force = Boolean("f", "Do not prompt for confirmation")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.volumes.prune import prune_volumes  # --help does without the engine

    if not flags.force:
        context.out(_ALL if flags.all else _ANONYMOUS)
        if not context.confirmed("Are you sure you want to continue?"):
            return
    filters = dict(flags.filter)
    if flags.all:
        filters["all"] = ("true",)
    pruned = prune_volumes(context.engine, filters)
    if pruned.names:
        context.out("Deleted Volumes:")
        for name in pruned.names:
            context.out(name)
        context.out("")
    context.out(f"Total reclaimed space: {human_size(pruned.space_reclaimed)}")
