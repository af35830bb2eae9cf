"""One network and who is on it."""

from typing import TYPE_CHECKING

from wherry.engine.documents.network import network_document
from wherry.store.containers import list_containers
from wherry.store.networks import ensure_default_networks, find_network

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def inspect_network(engine: "Engine", name: str) -> dict[str, object]:
    """Docker's document of the network of this name or ID, or NetworkNotFound."""
    ensure_default_networks(engine.store)
    names = {container.id: container.name for container in list_containers(engine.store)}
    return network_document(engine.store, find_network(engine.store, name), names)
