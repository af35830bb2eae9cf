"""Telling a container's terminal its size."""

from typing import TYPE_CHECKING

from wherry.engine.containers.orders import carry_out, find_live_container

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def resize_container(engine: "Engine", name: str, *, height: int, width: int) -> None:
    """Set the size, in characters, of the terminal of the container called `name`."""
    container = find_live_container(engine, name)
    carry_out(engine, container, "resize", {"height": height, "width": width})
