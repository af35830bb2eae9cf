"""Everything about a container, as Docker's document."""

from typing import TYPE_CHECKING

from wherry.engine.containers.orders import find_live_container
from wherry.engine.containers.size import root_size, writable_size
from wherry.engine.documents.container import container_document

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def inspect_container(engine: "Engine", name: str, *, size: bool = False) -> dict[str, object]:
    """What `inspect` prints of the container called `name`, or NoSuchContainer."""
    container = find_live_container(engine, name)
    document = container_document(engine, container)
    if size:
        document["SizeRw"] = writable_size(engine, container)
        document["SizeRootFs"] = root_size(engine, container)
    return document
