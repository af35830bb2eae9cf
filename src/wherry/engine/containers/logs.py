"""The log of a container: reading it, following it, clearing it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.engine.containers.orders import carry_out, find_live_container, order
from wherry.errors import Unsupported
from wherry.shim.client import Connection, SupervisorGone
from wherry.shim.errors import ContainerNotRunning
from wherry.shim.log.files import clear_files
from wherry.shim.log.options import DEFAULT_DRIVER
from wherry.shim.log.reader import LogReader, LogRequest
from wherry.shim.log.writer import log_path

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.store.containers import Container

_READABLE = ("json-file", "local")


class LogNotReadable(Unsupported):
    def __init__(self, driver: str) -> None:
        hint = "read it with journalctl CONTAINER_NAME=..." if driver == "journald" else ""
        super().__init__("configured logging driver does not support reading", hint=hint)


def container_logs(
    engine: "Engine", name: str, request: LogRequest, *, follow: bool = False, stop: int = -1
) -> Iterator[tuple[int, bytes]]:
    """The log of the container called `name`: (1 for stdout or 2 for stderr, text) in order.

    With `follow` until the container stops, or the descriptor `stop` can be read.
    """
    container = find_live_container(engine, name)
    reader = LogReader(_readable_log(engine, container), _driver_of(container), request)
    try:
        connection = _follow(engine, container) if follow else None
        if connection is None:
            yield from reader.read()
            return
        try:
            yield from reader.follow(connection.fileno(), stop)
        finally:
            connection.close()
    finally:
        reader.close()


def check_readable(_engine: "Engine", container: "Container") -> None:
    """LogNotReadable when its driver keeps nothing that could be read."""
    if _driver_of(container) not in _READABLE:
        raise LogNotReadable(_driver_of(container))


def _follow(engine: "Engine", container: "Container") -> Connection | None:
    """A connection that ends when the log is complete; None when it is already."""
    try:
        connection = order(engine, container, "follow", {})
        connection.answer("following")
    except (ContainerNotRunning, SupervisorGone):
        return None
    return connection


def _driver_of(container: "Container") -> str:
    return container.config.log.driver or DEFAULT_DRIVER


def _readable_log(engine: "Engine", container: "Container") -> Path:
    check_readable(engine, container)
    return log_path(container, engine.store.container_folder(container.id))


def clear_logs(engine: "Engine", name: str) -> None:
    """Forget what the container called `name` has logged so far."""
    container = find_live_container(engine, name)
    path = _readable_log(engine, container)
    try:
        carry_out(engine, container, "clear_logs", {})
    except ContainerNotRunning:
        clear_files(path)
