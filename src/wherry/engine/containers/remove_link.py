"""Taking away a name that a container has for another one by --link."""

from typing import TYPE_CHECKING

from wherry.errors import NotFound
from wherry.store.containers import find_container, update_config
from wherry.values import replace

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class NoSuchLink(NotFound):
    def __init__(self, parent: str, alias: str) -> None:
        super().__init__(f"Cannot get link name /{parent}/{alias}")


def remove_link(engine: "Engine", name: str, alias: str) -> None:
    """Forget the link `alias` of the container called `name`; its hosts file does at its start."""
    container = find_container(engine.store, name)
    config = container.config
    kept = _without(config.links, alias)
    networks = tuple(
        replace(network, links=_without(network.links, alias)) for network in config.networks
    )
    if kept == config.links and networks == config.networks:
        raise NoSuchLink(container.name, alias)
    update_config(engine.store, container.id, replace(config, links=kept, networks=networks))


def _without(links: tuple[str, ...], alias: str) -> tuple[str, ...]:
    return tuple(link for link in links if (link.rpartition(":")[2] or link) != alias)
