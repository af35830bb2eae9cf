"""Restarting a container: stop, then start, under the same supervisor when there is one."""

from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.engine.containers.orders import carry_out, find_live_container
from wherry.engine.containers.start import start_container
from wherry.errors import NotModified
from wherry.shim.errors import ContainerNotRunning
from wherry.shim.stop_signal import parse_signal

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def restart_container(
    engine: "Engine", name: str, *, signal: str = "", timeout: float | None = None
) -> None:
    """Stop the container called `name` if it runs, as `stop_container` does, and start it."""
    container = find_live_container(engine, name)
    number = parse_signal(signal) if signal else None
    if container.status.has_shim:
        payload = {"signal": number, "timeout": timeout}
        try:
            carry_out(engine, container, "restart", payload, "started")
        except ContainerNotRunning:  # it ended by itself meanwhile
            pass
        else:
            return
    with suppress(NotModified):  # by another restart, in the middle of which we looked
        start_container(engine, container.id)
