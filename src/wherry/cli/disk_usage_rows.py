"""`system df -v --format`: all that takes space as one document for a template."""

import time

from wherry.cli.containers.ls import container_row
from wherry.cli.context import Context
from wherry.cli.images.ls import image_rows
from wherry.cli.templates.template import Template
from wherry.cli.templates.values import Struct, as_html_json
from wherry.cli.units import human_duration, human_size
from wherry.cli.volumes.ls import volume_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.engine.builds.usage import CacheEntry
    from wherry.engine.system.df import ContainerUsage, DiskUsage, ImageUsage, VolumeUsage

_Row = dict[str, object]


def print_formatted(context: Context, usage: "DiskUsage", chosen: str) -> None:
    """Print what `chosen` makes of the images, containers, volumes and the build cache."""
    document: dict[str, list[_Row]] = {
        "Images": [_image_row(image) for image in usage.images],
        "Containers": [_container_row(context, each) for each in usage.containers],
        "Volumes": [_volume_row(context, each) for each in usage.volumes],
        "BuildCache": [_cache_row(entry) for entry in usage.builds.entries],
    }
    values = Struct({name: [Struct(row) for row in rows] for name, rows in document.items()})
    if chosen == "json":
        context.write(as_html_json(values))
        return
    text = chosen.removeprefix("table ").replace("\\t", "\t").replace("\\n", "\n")
    context.write(Template(text).execute(values))


def _image_row(usage: "ImageUsage") -> _Row:
    from wherry.engine.images.list import ListedImage  # --help does without the engine

    listed = ListedImage(image=usage.image, names=usage.names)
    row = next(iter(image_rows(listed, digests=False, whole=True)))
    return {
        **row,
        "Containers": str(usage.containers),
        "Digest": "",
        "SharedSize": human_size(usage.shared_size),
        "UniqueSize": human_size(usage.size - usage.shared_size),
    }


def _container_row(context: Context, usage: "ContainerUsage") -> _Row:
    from wherry.engine.documents.container_summary import summary_document

    summary = summary_document(context.engine, usage.container, time.time_ns())
    return {**container_row(summary, whole=True), "Size": human_size(usage.size, 3)}


def _volume_row(context: Context, usage: "VolumeUsage") -> _Row:
    from wherry.engine.documents.volume import volume_document

    place = str(volume_document(context.engine.store, usage.volume)["Mountpoint"])
    return volume_row(usage.volume, place, str(usage.links), human_size(usage.size))


def _cache_row(entry: "CacheEntry") -> _Row:
    now = time.time()
    return {
        "CacheType": entry.kind,
        "CreatedAt": _moment(entry.created_ns),
        "CreatedSince": f"{human_duration(now - entry.created_ns / 1e9)} ago",
        "Description": entry.description,
        "ID": entry.id,
        "InUse": "false",
        "LastUsedAt": _moment(entry.used_ns),
        "LastUsedSince": f"{human_duration(now - entry.used_ns / 1e9)} ago",
        "Parent": "",
        "Shared": str(entry.shared).lower(),
        "Size": human_size(entry.size, 3),
        "UsageCount": str(entry.uses),
    }


def _moment(nanoseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(nanoseconds // 10**9))
