"""wherry system df"""

from typing import TYPE_CHECKING

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.cli.listing import FORMAT_HELP, print_rows
from wherry.cli.units import human_size
from wherry.errors import InvalidArgument

if TYPE_CHECKING:
    from wherry.engine.system.df import DiskUsage

SYNTAX = Syntax("[OPTIONS]")
TITLES = {
    "Type": "TYPE",
    "TotalCount": "TOTAL",
    "Active": "ACTIVE",
    "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}
_TABLE = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"


class Flags(FlagSet):
    format = String("", FORMAT_HELP)
    verbose = Boolean("v", "Show detailed information on space usage")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.system.df import disk_usage  # --help does without the engine

    if flags.verbose:
        if flags.format not in ("", "table"):
            raise InvalidArgument("the verbose and the format options conflict")
        from wherry.cli.disk_usage import print_details  # for those who want to know

        print_details(context, disk_usage(context.engine))
        return
    rows = _summary(disk_usage(context.engine))
    print_rows(context, rows, chosen=flags.format, titles=TITLES, default=_TABLE)


def _summary(usage: "DiskUsage") -> list[dict[str, object]]:
    return [
        _row(
            "Images",
            len(usage.images),
            sum(1 for image in usage.images if image.containers),
            usage.layers_size,
            usage.reclaimable_images,
        ),
        _row(
            "Containers",
            len(usage.containers),
            sum(1 for each in usage.containers if each.container.status.has_shim),
            sum(each.size for each in usage.containers),
            usage.reclaimable_containers,
        ),
        _row(
            "Local Volumes",
            len(usage.volumes),
            sum(1 for volume in usage.volumes if volume.links),
            sum(volume.size for volume in usage.volumes),
            usage.reclaimable_volumes,
        ),
        {
            **_row("Build Cache", len(usage.builds.entries), 0, usage.builds.total, 0),
            "Reclaimable": human_size(usage.builds.reclaimable),
        },
    ]


def _row(kind: str, total: int, active: int, size: int, reclaimable: int) -> dict[str, object]:
    share = f" ({100 * reclaimable // size}%)" if size else ""
    return {
        "Active": str(active),
        "Reclaimable": human_size(reclaimable) + share,
        "Size": human_size(size),
        "TotalCount": str(total),
        "Type": kind,
    }
