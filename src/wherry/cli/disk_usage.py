"""`system df -v`: a table for each kind of thing that takes space."""

from wherry.cli.context import Context
from wherry.cli.images.ls import created_since, image_rows
from wherry.cli.tables import table_lines
from wherry.cli.units import human_duration, human_size
from wherry.go_text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from wherry.engine.builds.usage import CacheEntry
    from wherry.engine.system.df import ContainerUsage, DiskUsage, ImageUsage
    from wherry.engine.system.space import DiskSpace

_IMAGES = (
    "REPOSITORY",
    "TAG",
    "IMAGE ID",
    "CREATED",
    "SIZE",
    "SHARED SIZE",
    "UNIQUE SIZE",
    "CONTAINERS",
)
_CONTAINERS = (
    "CONTAINER ID",
    "IMAGE",
    "COMMAND",
    "LOCAL VOLUMES",
    "SIZE",
    "CREATED",
    "STATUS",
    "NAMES",
)
_VOLUMES = ("VOLUME NAME", "LINKS", "SIZE")
_CACHE = ("CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED")
_SPACE = ("TYPE", "CONTENT", "PLACE", "SIZE", "RECLAIMABLE")
_LONGEST_COMMAND = 20


def print_details(context: Context, usage: "DiskUsage", space: "DiskSpace") -> None:
    """Print what each image, container and volume takes, then where that is on disk."""
    _print_table(
        context,
        "Images space usage:",
        _IMAGES,
        [row for image in usage.images for row in _image_rows(image)],
    )
    _print_table(
        context,
        "Containers space usage:",
        _CONTAINERS,
        [_container_row(context, each) for each in usage.containers],
    )
    _print_table(
        context,
        "Local Volumes space usage:",
        _VOLUMES,
        [(each.volume.name, str(each.links), human_size(each.size, 3)) for each in usage.volumes],
    )
    _print_table(
        context,
        f"Build cache usage: {human_size(usage.builds.total)}",
        _CACHE,
        [_cache_row(entry) for entry in usage.builds.entries],
    )
    _print_table(
        context,
        f"Space on disk: {human_size(space.size)}",
        _SPACE,
        [
            (
                share.noun.value,
                share.content,
                share.place,
                human_size(share.size, 3),
                human_size(share.reclaimable, 3),
            )
            for share in space.shares
        ],
    )


def _cache_row(entry: "CacheEntry") -> "Sequence[str]":
    import time

    now = time.time()
    return (
        entry.id[:12],
        entry.kind,
        human_size(entry.size, 3),
        f"{human_duration(now - entry.created_ns / 1e9)} ago",
        f"{human_duration(now - entry.used_ns / 1e9)} ago",
        str(entry.uses),
        "true" if entry.shared else "false",
    )


def _print_table(
    context: Context, heading: str, titles: "Sequence[str]", rows: "Iterable[Sequence[str]]"
) -> None:
    context.out(heading + "\n")
    for line in table_lines([titles, *rows]):
        context.out(line)
    context.out("")


def _image_rows(usage: "ImageUsage") -> "Iterable[Sequence[str]]":
    from wherry.engine.images.list import ListedImage  # --help does without the engine

    listed = ListedImage(image=usage.image, names=usage.names)
    # Docker shows an image once here, by its first name.
    for row in list(image_rows(listed, digests=False))[:1]:
        yield (
            str(row["Repository"]),
            str(row["Tag"]),
            str(row["ID"]),
            created_since(usage.image.created_ns // 10**9),
            human_size(usage.size, 3),
            human_size(usage.shared_size),
            human_size(usage.size - usage.shared_size),
            str(usage.containers),
        )


def _container_row(context: Context, usage: "ContainerUsage") -> "Sequence[str]":
    import time  # these too, for those who want to know

    from wherry.engine.documents.container_summary import summary_document

    now = time.time_ns()
    summary: dict[str, Any] = summary_document(context.engine, usage.container, now)
    command = summary["Command"]
    if len(command) > _LONGEST_COMMAND:
        command = command[: _LONGEST_COMMAND - 1] + "…"
    return (
        summary["Id"][:12],
        summary["Image"],
        quoted(command),
        str(sum(mount["Type"] == "volume" for mount in summary["Mounts"])),
        human_size(usage.size, 3),
        f"{human_duration(now / 1e9 - summary['Created'])} ago",
        summary["Status"],
        usage.container.name,
    )
