"""wherry container prune"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, Filters, FlagSet, Syntax
from wherry.cli.units import human_size

SYNTAX = Syntax("[OPTIONS]")


class Flags(FlagSet):
    filter = Filters("", 'Provide filter values (e.g. "until=<timestamp>")')
    force = Boolean("f", "Do not prompt for confirmation")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.containers.prune import prune_containers  # --help does without the engine

    if not flags.force:
        context.out("WARNING! This will remove all stopped containers.")
        if not context.confirmed("Are you sure you want to continue?"):
            return
    pruned = prune_containers(context.engine, flags.filter)
    if pruned.ids:
        context.out("Deleted Containers:")
        for identifier in pruned.ids:
            context.out(identifier)
        context.out("")
    context.out(f"Total reclaimed space: {human_size(pruned.space_reclaimed)}")
