"""wherry image prune"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, Filters, FlagSet, Syntax
from wherry.cli.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherry.engine.images.remove import Removal

SYNTAX = Syntax("[OPTIONS]")
_DANGLING = "WARNING! This will remove all dangling images."
_ALL = "WARNING! This will remove all images without at least one container associated to them."


class Flags(FlagSet):
    all = Boolean("a", "Remove all unused images, not just dangling ones")
    filter = Filters("", 'Provide filter values (e.g. "until=<timestamp>")')
    force = Boolean("f", "Do not prompt for confirmation")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.images.prune import prune_images  # --help does without the engine

    if not flags.force:
        context.out(_ALL if flags.all else _DANGLING)
        if not context.confirmed("Are you sure you want to continue?"):
            return
    filters = dict(flags.filter)
    filters["dangling"] = ("false",) if flags.all else ("true",)
    pruned = prune_images(context.engine, filters)
    print_removals(context, pruned.removals)
    context.out(f"Total reclaimed space: {human_size(pruned.space_reclaimed)}")


def print_removals(context: Context, removals: "Iterable[Removal]") -> None:
    """What went, as the prune commands print it."""
    lines = [
        f"untagged: {removal.untagged}" if removal.untagged else f"deleted: {removal.deleted}"
        for removal in removals
    ]
    if lines:
        context.out("\n".join(("Deleted Images:", *lines, "")))
