"""wherry system prune"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, Filters, FlagSet, Syntax
from wherry.cli.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SYNTAX = Syntax("[OPTIONS]")


class Flags(FlagSet):
    all = Boolean("a", "Remove all unused images not just dangling ones")
    filter = Filters("", 'Provide filter values (e.g. "label=<key>=<value>")')
    force = Boolean("f", "Do not prompt for confirmation")
    volumes = Boolean("", "Prune anonymous volumes")


def run(flags: Flags, context: Context) -> None:
    from wherry.cli.images.prune import print_removals
    from wherry.engine.system.prune import check_filters, prune_system

    check_filters(flags.filter, volumes=flags.volumes)
    if not flags.force:
        context.out(_warning(flags))
        if not context.confirmed("Are you sure you want to continue?"):
            return
    pruned = prune_system(
        context.engine, all_images=flags.all, volumes=flags.volumes, filters=flags.filter
    )
    _print_list(context, "Deleted Containers:", pruned.containers.ids)
    _print_list(context, "Deleted Networks:", pruned.networks)
    _print_list(context, "Deleted Volumes:", pruned.volumes.names)
    print_removals(context, pruned.images.removals)
    _print_list(
        context, "Deleted build cache objects:", [entry.id for entry in pruned.builds.entries]
    )
    context.out(f"Total reclaimed space: {human_size(pruned.space_reclaimed)}")


def _warning(flags: Flags) -> str:
    doomed = ["all stopped containers", "all networks not used by at least one container"]
    if flags.volumes:
        doomed.append("all anonymous volumes not used by at least one container")
    if flags.all:
        doomed.append("all images without at least one container associated to them")
    else:
        doomed.append("all dangling images")
    if not flags.filter.keys() - {"until"}:  # the cache has no labels to go by
        doomed.append("all build cache" if flags.all else "unused build cache")
    lines = ["WARNING! This will remove:", *(f"  - {each}" for each in doomed), ""]
    if flags.filter:
        lines.append("  Items to be pruned will be filtered with:")
        given = [f"{key}={value}" for key, values in flags.filter.items() for value in values]
        lines += [f"  - {each}" for each in sorted(given)]
        lines.append("")
    return "\n".join(lines)


def _print_list(context: Context, title: str, names: "Sequence[str]") -> None:
    if names:
        context.out("\n".join((title, *names, "")))
