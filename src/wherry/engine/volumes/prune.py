"""Removing the volumes that no container has."""

from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.engine.containers.size import tree_size
from wherry.engine.filters import Filters, check_keys, passes_label_filters, wanted_truth
from wherry.engine.volumes.remove import remove_volume
from wherry.store.volumes import (
    NoSuchVolume,
    Volume,
    VolumeInUse,
    data_folder,
    list_volumes,
    users_of_volumes,
)
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

KEYS = frozenset({"all", "label", "label!"})


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunedVolumes:
    names: tuple[str, ...]
    space_reclaimed: int  # bytes


def prune_volumes(engine: "Engine", filters: Filters | None = None) -> PrunedVolumes:
    """Remove unused volumes: the anonymous ones, with the filter `all` those with names too."""
    filters = filters or {}
    check_keys(filters, KEYS)
    everything = wanted_truth(filters, "all") or False
    used = users_of_volumes(engine.store)
    removed: list[str] = []
    space = 0
    for volume in list_volumes(engine.store):
        if volume.name in used or not (everything or volume.anonymous):
            continue
        if not passes_label_filters(volume.labels, filters):
            continue
        size = size_of(engine, volume)
        with suppress(VolumeInUse, NoSuchVolume):  # taken or removed since we looked
            remove_volume(engine, volume.name)
            removed.append(volume.name)
            space += size
    engine.events.publish("volume", "prune", "", {"reclaimed": str(space)})
    return PrunedVolumes(names=tuple(removed), space_reclaimed=space)


def size_of(engine: "Engine", volume: Volume) -> int:
    """The bytes of a volume's files, as Docker counts them: each inode's size once.

    A volume that is a mount of something else counts nothing.
    """
    if volume.options:
        return 0
    return tree_size(data_folder(engine.store, volume.name))
