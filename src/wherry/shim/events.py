"""Events of containers, with the attributes that Docker gives them."""

from wherry.store.containers import Container
from wherry.store.events import publish
from wherry.store.store import Store


def container_event(store: Store, container: Container, action: str, **attributes: str) -> None:
    """Publish that `action` happened to `container`; its labels and names go along."""
    publish(
        store,
        "container",
        action,
        container.id,
        {
            **container.config.labels,
            "image": container.details.image_name,
            "name": container.name,
            **attributes,
        },
    )
