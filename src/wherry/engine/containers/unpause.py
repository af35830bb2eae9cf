"""Thawing all processes of a container."""

from typing import TYPE_CHECKING

from wherry.engine.containers.orders import carry_out, find_live_container
from wherry.errors import Conflict
from wherry.shim.errors import ContainerNotRunning

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def unpause_container(engine: "Engine", name: str) -> None:
    """Let the container called `name` go on."""
    container = find_live_container(engine, name)
    try:
        carry_out(engine, container, "unpause", {})
    except ContainerNotRunning as error:
        raise Conflict(f"Container {container.id} is not running") from error
