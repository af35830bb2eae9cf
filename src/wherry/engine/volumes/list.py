"""Listing volumes."""

from typing import TYPE_CHECKING

from wherry.engine.filters import (
    Filters,
    check_keys,
    matches,
    passes_label_filters,
    wanted_truth,
)
from wherry.store.volumes import Volume, users_of_volumes
from wherry.store.volumes import list_volumes as list_rows

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

KEYS = frozenset({"dangling", "driver", "label", "label!", "name"})


def list_volumes(engine: "Engine", filters: Filters | None = None) -> list[Volume]:
    """The volumes that pass `filters`, by name."""
    filters = filters or {}
    check_keys(filters, KEYS)
    dangling = wanted_truth(filters, "dangling")
    used = users_of_volumes(engine.store) if dangling is not None else {}
    drivers = filters.get("driver", ())
    return [
        volume
        for volume in list_rows(engine.store)
        if (dangling is None or (volume.name not in used) == dangling)
        and (not drivers or volume.driver in drivers)
        and matches(filters, "name", volume.name)
        and passes_label_filters(volume.labels, filters)
    ]
