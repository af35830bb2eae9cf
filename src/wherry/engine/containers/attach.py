"""Attaching to the streams of a running container."""

from typing import TYPE_CHECKING

from wherry.engine.containers.orders import find_live_container, order
from wherry.shim.client import Connection
from wherry.shim.detach_keys import parse_detach_keys
from wherry.shim.errors import CannotAttach, ContainerNotRunning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.engine.engine import Engine
    from wherry.store.containers import Container


def attach_container(
    engine: "Engine",
    name: str,
    *,
    stdin: bool = False,
    stdout: bool = True,
    stderr: bool = True,
    detach_keys: str = "",
) -> Connection:
    """The streams of the container called `name`, as frames: see `shim.protocol`.

    The first message is `{"attached": True}` or an error; the last one has "exit" or "detached".
    """
    container = find_live_container(engine, name)
    keys = parse_detach_keys(detach_keys) if container.config.tty else b""
    payload = {
        "stdin": stdin and container.config.open_stdin,
        "stdout": stdout,
        "stderr": stderr,
        "keys": keys,
    }
    try:
        return order(engine, container, "attach", payload)
    except ContainerNotRunning as error:
        raise CannotAttach("stopped", "start it first") from error


def attach_connection(
    engine: "Engine", container: "Container", descriptor: int, wanted: "Mapping[str, object]"
) -> None:
    """Attach a connection of another's to the container; the descriptor stays the caller's."""
    try:
        connection = order(engine, container, "attach", wanted, [descriptor])
        try:
            connection.answer("attached")
        finally:
            connection.close()
    except ContainerNotRunning as error:
        raise CannotAttach("stopped", "start it first") from error
