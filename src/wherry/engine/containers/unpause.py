"""Thawing all processes of a container."""

from typing import TYPE_CHECKING

from wherry.engine.containers.orders import carry_out, find_live_container
from wherry.shim.errors import ContainerNotPaused, ContainerNotRunning

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def unpause_container(engine: "Engine", name: str) -> None:
    """Let the container called `name` go on."""
    container = find_live_container(engine, name)
    try:
        carry_out(engine, container, "unpause", {})
    except ContainerNotRunning as error:
        raise ContainerNotPaused(container.id) from error
