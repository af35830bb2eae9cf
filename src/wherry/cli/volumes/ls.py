"""wherry volume ls"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, Filters, FlagSet, String, Syntax
from wherry.cli.listing import FORMAT_HELP, Row, print_rows
from wherry.cli.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.store.volumes import Volume

SYNTAX = Syntax("[OPTIONS]")
TITLES = {
    "Name": "VOLUME NAME",
    "Driver": "DRIVER",
    "Scope": "SCOPE",
    "Mountpoint": "MOUNTPOINT",
    "Labels": "LABELS",
    "Links": "LINKS",
    "Size": "SIZE",
    "Availability": "AVAILABILITY",
    "Group": "GROUP",
    "Status": "STATUS",
}
KIND = "*formatter.volumeContext"
_RAW_NAME = "name: {{.Name}}"
_RAW = "name: {{.Name}}\ndriver: {{.Driver}}\n"


class Flags(FlagSet):
    filter = Filters("f", 'Provide filter values (e.g. "dangling=true")')
    format = String("", FORMAT_HELP)
    quiet = Boolean("q", "Only display volume names")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.documents.volume import volume_document  # --help does without the engine
    from wherry.engine.volumes.list import list_volumes

    volumes = list_volumes(context.engine, flags.filter)
    if flags.quiet and not flags.format:
        for volume in volumes:
            context.out(volume.name)
        return
    with_size = ".Size" in flags.format or ".Links" in flags.format
    usage = _usage(context) if with_size else {}
    rows = []
    for volume in volumes:
        document = volume_document(context.engine.store, volume)
        links, size = usage.get(volume.name, ("N/A", "N/A"))
        fields = volume_row(volume, str(document["Mountpoint"]), links, size)
        rows.append(Row(fields, kind=KIND, labels=volume.labels))
    chosen = flags.format
    if chosen == "raw":
        chosen = _RAW_NAME if flags.quiet else _RAW
    print_rows(context, rows, chosen=chosen, titles=TITLES, default="{{.Driver}}\t{{.Name}}")


def volume_row(volume: "Volume", mountpoint: str, links: str, size: str) -> dict[str, object]:
    """The fields of a volume, for templates."""
    return {
        "Availability": "N/A",
        "Driver": volume.driver,
        "Group": "N/A",
        "Labels": ",".join(f"{key}={value}" for key, value in volume.labels.items()),
        "Links": links,
        "Mountpoint": mountpoint,
        "Name": volume.name,
        "Scope": "local",
        "Size": size,
        "Status": "N/A",
    }


def _usage(context: Context) -> dict[str, tuple[str, str]]:
    from wherry.engine.system.df import disk_usage  # walks every volume: only when asked for

    return {
        usage.volume.name: (str(usage.links), human_size(usage.size))
        for usage in disk_usage(context.engine).volumes
    }
