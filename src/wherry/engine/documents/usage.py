"""Docker's document of what takes disk space, GET /system/df of before API 1.52."""

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from wherry.engine.containers.size import root_size
from wherry.engine.documents import container_summary, image
from wherry.engine.documents.volume import volume_document
from wherry.oci.timestamps import format_timestamp

if TYPE_CHECKING:
    from wherry.engine.builds.usage import CacheEntry
    from wherry.engine.engine import Engine
    from wherry.engine.system.df import DiskUsage


def usage_document(
    engine: "Engine", usage: "DiskUsage", kinds: Collection[str] = ()
) -> dict[str, object]:
    """What was asked for by `kinds` (image, container, volume, build-cache), or everything."""
    now = time.time_ns()
    document: dict[str, object] = {}
    if not kinds or "image" in kinds:
        document["LayersSize"] = usage.layers_size
        document["Images"] = [
            image.summary_document(each.image, list(each.names), each.containers)
            | {"Size": each.size, "SharedSize": each.shared_size}
            for each in usage.images
        ]
    if not kinds or "container" in kinds:
        document["Containers"] = [
            container_summary.summary_document(engine, each.container, now)
            | {"SizeRw": each.size, "SizeRootFs": root_size(engine, each.container)}
            for each in usage.containers
        ]
    if not kinds or "volume" in kinds:
        document["Volumes"] = [
            volume_document(engine.store, each.volume)
            | {"UsageData": {"Size": each.size, "RefCount": each.links}}
            for each in usage.volumes
        ]
    if not kinds or "build-cache" in kinds:
        document["BuildCache"] = [_cache_document(each) for each in usage.builds.entries]
    return document


def _cache_document(entry: "CacheEntry") -> dict[str, object]:
    """Docker's BuildCache."""
    return {
        "ID": entry.id,
        "Parents": [],
        "Type": entry.kind,
        "Description": entry.description,
        "InUse": False,
        "Shared": entry.shared,
        "Size": entry.size,
        "CreatedAt": format_timestamp(entry.created_ns),
        "LastUsedAt": format_timestamp(entry.used_ns) if entry.used_ns else None,
        "UsageCount": entry.uses,
    }
