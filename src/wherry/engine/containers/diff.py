"""What a container has changed in its root filesystem."""

from typing import TYPE_CHECKING

from wherry.engine.containers.root import top_layer
from wherry.store.containers import find_container
from wherry.store.diff import Change, changes
from wherry.store.snapshots import lower_folders

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def container_changes(engine: "Engine", name: str) -> list[Change]:
    """Every path the container added, changed or deleted, in order of paths."""
    container = find_container(engine.store, name)
    upper = engine.store.container_folder(container.id) / "upper"
    return changes(upper, lower_folders(engine.store, top_layer(container)))
