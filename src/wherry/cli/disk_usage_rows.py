"""`system df -v --format`: all that takes space as one document for a template."""

import time

from wherry.cli.containers import ls as containers
from wherry.cli.context import Context
from wherry.cli.images import ls as images
from wherry.cli.listing import Row, UnusableFormat
from wherry.cli.templates.errors import ExecutionError, ParseError
from wherry.cli.templates.template import Template
from wherry.cli.templates.values import Struct, as_html_json
from wherry.cli.units import human_duration, human_size
from wherry.cli.volumes import ls as volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.engine.builds.usage import CacheEntry
    from wherry.engine.system.df import ContainerUsage, DiskUsage, ImageUsage, VolumeUsage

_Fields = dict[str, object]


def print_formatted(context: Context, usage: "DiskUsage", chosen: str) -> None:
    """Print what `chosen` makes of the images, containers, volumes and the build cache."""
    rows: dict[str, list[Row]] = {
        "Images": [Row(_image_row(each), kind=images.KIND) for each in usage.images],
        "Containers": [
            Row(
                _container_row(context, each),
                kind=containers.KIND,
                labels=each.container.config.labels,
            )
            for each in usage.containers
        ],
        "Volumes": [
            Row(_volume_row(context, each), kind=volumes.KIND, labels=each.volume.labels)
            for each in usage.volumes
        ],
        "BuildCache": [
            Row(_cache_row(entry), kind="*formatter.buildCacheContext")
            for entry in usage.builds.entries
        ],
    }
    values = Struct(rows, type_name="*formatter.diskUsageContext")
    if chosen == "json":
        context.write(as_html_json(values))
        return
    text = chosen.removeprefix("table").replace("\\t", "\t").replace("\\n", "\n")
    try:
        context.write(Template(text.strip(" ")).execute(values))
    except ParseError as error:
        raise UnusableFormat(error) from error
    except ExecutionError as error:
        context.write(error.written)
        raise


def _image_row(usage: "ImageUsage") -> _Fields:
    from wherry.engine.images.list import ListedImage  # --help does without the engine

    listed = ListedImage(image=usage.image, names=usage.names)
    row = next(iter(images.image_rows(listed, digests=False, whole=True)))
    return {
        **row,
        "Containers": str(usage.containers),
        "Digest": "",
        "SharedSize": human_size(usage.shared_size),
        "UniqueSize": human_size(usage.size - usage.shared_size),
    }


def _container_row(context: Context, usage: "ContainerUsage") -> _Fields:
    from wherry.engine.documents.container_summary import summary_document

    summary = summary_document(context.engine, usage.container, time.time_ns())
    return {**containers.container_row(summary, whole=True), "Size": human_size(usage.size, 3)}


def _volume_row(context: Context, usage: "VolumeUsage") -> _Fields:
    from wherry.engine.documents.volume import volume_document

    place = str(volume_document(context.engine.store, usage.volume)["Mountpoint"])
    return volumes.volume_row(usage.volume, place, str(usage.links), human_size(usage.size))


def _cache_row(entry: "CacheEntry") -> _Fields:
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
