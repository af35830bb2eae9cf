"""Stopping a container: its stop signal, then patience, then SIGKILL."""

from typing import TYPE_CHECKING

from wherry.engine.containers.orders import carry_out, find_live_container
from wherry.shim.errors import ContainerNotRunning
from wherry.shim.stop_signal import parse_signal

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def stop_container(
    engine: "Engine", name: str, *, signal: str = "", timeout: float | None = None
) -> bool:
    """Stop the container called `name`, and return once it has ended.

    `timeout` seconds pass before it is killed; None is the container's own setting, negative is
    for ever. False when it was not running.
    """
    container = find_live_container(engine, name)
    number = parse_signal(signal) if signal else None
    if not container.status.has_shim:
        return False
    try:
        carry_out(engine, container, "stop", {"signal": number, "timeout": timeout}, "exit")
    except ContainerNotRunning:  # it ended by itself meanwhile
        return False
    return True
