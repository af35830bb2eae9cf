"""Removing the containers that do not run."""

from typing import TYPE_CHECKING

from wherry.engine.containers.remove import CannotRemove, remove_container
from wherry.engine.containers.size import writable_size
from wherry.engine.filters import Filters, check_keys, parse_moment, passes_label_filters
from wherry.oci.timestamps import parse_timestamp
from wherry.store.containers import NoSuchContainer, list_containers, shim_pid_of
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

KEYS = frozenset({"label", "label!", "until"})


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunedContainers:
    ids: tuple[str, ...]
    space_reclaimed: int  # bytes


def prune_containers(engine: "Engine", filters: Filters | None = None) -> PrunedContainers:
    """Remove every stopped container that passes `filters`; their volumes stay."""
    filters = filters or {}
    check_keys(filters, KEYS)
    until = min((parse_moment(text) for text in filters.get("until", ())), default=None)
    removed: list[str] = []
    space = 0
    for container in list(list_containers(engine.store)):
        if shim_pid_of(engine.store, container.id) or not container.status.can_start:
            continue
        if until is not None and parse_timestamp(container.created) >= until:
            continue
        if not passes_label_filters(container.config.labels, filters):
            continue
        size = writable_size(engine, container)
        try:
            remove_container(engine, container.id)
        except (CannotRemove, NoSuchContainer):  # started or removed since we looked
            continue
        removed.append(container.id)
        space += size
    engine.events.publish("container", "prune", "", {"reclaimed": str(space)})
    return PrunedContainers(ids=tuple(removed), space_reclaimed=space)
