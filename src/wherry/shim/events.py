"""Events of containers, with the attributes that Docker gives them."""

from wherry.store.containers import Container
from wherry.store.events import News, publish_all
from wherry.store.joined_networks import networks_joined
from wherry.store.store import Store


def container_event(store: Store, container: Container, action: str, **attributes: str) -> None:
    """Publish that `action` happened to `container`; its labels and names go along."""
    publish_all(store, [_of_container(container, action, attributes)])


def started_event(store: Store, container: Container) -> None:
    """Publish that it has started, and which networks it has joined for that."""
    joined = _of_networks(store, container, "connect")
    publish_all(store, [*joined, _of_container(container, "start", {})])


def died_event(store: Store, container: Container, **attributes: str) -> None:
    """Publish that it has ended, and which networks it leaves with that."""
    left = _of_networks(store, container, "disconnect")
    publish_all(store, [_of_container(container, "die", attributes), *left])


def _of_container(container: Container, action: str, attributes: dict[str, str]) -> News:
    about = {
        **container.config.labels,
        "image": container.details.image_name,
        "name": container.name,
        **attributes,
    }
    return "container", action, container.id, about


def _of_networks(store: Store, container: Container, action: str) -> list[News]:
    return [
        ("network", action, number, {"container": container.id, "name": name, "type": driver})
        for number, name, driver in networks_joined(store, container.id)
    ]
