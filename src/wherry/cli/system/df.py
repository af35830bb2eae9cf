"""wherry system df"""

from typing import TYPE_CHECKING

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.cli.listing import FORMAT_HELP, print_rows
from wherry.cli.units import human_size

if TYPE_CHECKING:
    from wherry.engine.system.df import DiskUsage
    from wherry.engine.system.space import DiskSpace

SYNTAX = Syntax("[OPTIONS]")
TITLES = {
    "Type": "TYPE",
    "TotalCount": "TOTAL",
    "Active": "ACTIVE",
    "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}
_TABLE = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"

_KIND = "*formatter.diskUsageImagesContext"  # the first row's: where any fails, it does


class Flags(FlagSet):
    format = String("", FORMAT_HELP)
    verbose = Boolean("v", "Show detailed information on space usage")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.system.df import disk_usage  # --help does without the engine
    from wherry.engine.system.space import disk_space

    if flags.verbose:
        usage = disk_usage(context.engine)
        if flags.format not in ("", "table"):
            from wherry.cli.disk_usage_rows import print_formatted  # for scripts

            print_formatted(context, usage, flags.format)
            return
        from wherry.cli.disk_usage import print_details  # for those who want to know

        print_details(context, usage, disk_space(context.engine, usage))
        return
    usage = disk_usage(context.engine)
    rows = _summary(usage, disk_space(context.engine, usage))
    print_rows(context, rows, chosen=flags.format, titles=TITLES, default=_TABLE, kind=_KIND)


def _summary(usage: "DiskUsage", space: "DiskSpace") -> list[dict[str, object]]:
    """A row for each noun. Sizes are those on disk, so that they add up to what du(1) says."""
    from wherry.engine.system.space import Noun

    counts = {
        Noun.IMAGES: (len(usage.images), sum(1 for each in usage.images if each.containers)),
        Noun.CONTAINERS: (
            len(usage.containers),
            sum(1 for each in usage.containers if each.container.status.has_shim),
        ),
        Noun.VOLUMES: (len(usage.volumes), sum(1 for each in usage.volumes if each.links)),
        Noun.BUILDS: (len(usage.builds.entries), 0),
        Noun.OTHER: (sum(1 for share in space.shares if share.noun is Noun.OTHER), 0),
    }
    rows: list[dict[str, object]] = []
    for noun, (total, active) in counts.items():
        size, reclaimable = space.of(noun)
        # Docker prints no share of the build cache.
        share = f" ({100 * reclaimable // size}%)" if size and noun is not Noun.BUILDS else ""
        rows.append(
            {
                "Active": str(active),
                "Reclaimable": human_size(reclaimable) + share,
                "Size": human_size(size),
                "TotalCount": str(total),
                "Type": noun.value,
            }
        )
    return rows
