"""Giving a container another name."""

from typing import TYPE_CHECKING

from wherry.engine.containers.names import InvalidName, checked_name
from wherry.errors import Conflict, InvalidArgument
from wherry.store.containers import NameInUse, find_container
from wherry.store.containers import rename_container as rename_row

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def rename_container(engine: "Engine", old_name: str, new_name: str) -> None:
    """Rename the container, running or not, in Docker's words where it cannot be."""
    if not old_name or not new_name:
        raise InvalidArgument("Neither old nor new names may be empty")
    container = find_container(engine.store, old_name)
    if new_name.removeprefix("/") == container.name:
        raise InvalidArgument("Renaming a container with the same name as its current name")
    try:
        name = checked_name(new_name if new_name.startswith("/") else f"/{new_name}")
        rename_row(engine.store, container.id, name)
    except InvalidName as error:
        raise InvalidArgument(f"Error when allocating new name: {error}") from error
    except NameInUse as error:
        raise Conflict(f"Error when allocating new name: {error}") from error
    engine.events.publish(
        "container",
        "rename",
        container.id,
        {
            "image": container.details.image_name,
            "name": name,
            "oldName": f"/{container.name}",
            **container.config.labels,
        },
    )
