"""The log of a container: reading it, following it, clearing it."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.engine.containers.orders import carry_out, find_live_container, order
from wherry.errors import Internal, Unsupported, os_error_text
from wherry.shim.client import Connection, SupervisorGone
from wherry.shim.errors import ContainerNotRunning
from wherry.shim.log.files import clear_files
from wherry.shim.log.options import DEFAULT_DRIVER
from wherry.shim.log.reader import LogReader, LogRequest
from wherry.shim.log.writer import log_path

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.shim.log.journal_reader import JournalReader
    from wherry.store.containers import Container

_IN_FILES = ("json-file", "local")
_READABLE = (*_IN_FILES, "journald")


class LogNotReadable(Unsupported):
    def __init__(self) -> None:
        super().__init__("configured logging driver does not support reading")


class LogDamaged(Internal):
    def __init__(self, error: Exception) -> None:
        reason = os_error_text(error) if isinstance(error, OSError) else str(error)
        super().__init__(f"Error grabbing logs: {reason}")


class LogNotClearable(Unsupported):
    def __init__(self, driver: str) -> None:
        super().__init__(
            f"the log of driver {driver} cannot be cleared",
            hint="the journal forgets by its own rules, or by journalctl --vacuum-time",
        )


def container_logs(
    engine: "Engine", name: str, request: LogRequest, *, follow: bool = False, stop: int = -1
) -> Iterator[tuple[int, bytes]]:
    """The log of the container called `name`: (1 for stdout or 2 for stderr, text) in order.

    With `follow` until the container stops, or the descriptor `stop` can be read. Raises
    LogDamaged at what cannot be read, be it after what could.
    """
    container = find_live_container(engine, name)
    check_readable(engine, container)
    reader = _reader_of(engine, container, request)
    try:
        connection = _follow(engine, container) if follow else None
        if connection is None:
            yield from reader.read()
            return
        try:
            yield from reader.follow(connection.fileno(), stop)
        finally:
            connection.close()
    except (OSError, EOFError, zlib.error) as error:
        raise LogDamaged(error) from error
    finally:
        reader.close()


def check_readable(_engine: "Engine", container: "Container") -> None:
    """LogNotReadable when its driver keeps nothing that could be read."""
    if _driver_of(container) not in _READABLE:
        raise LogNotReadable


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


def _reader_of(
    engine: "Engine", container: "Container", request: LogRequest
) -> "LogReader | JournalReader":
    driver = _driver_of(container)
    if driver in _IN_FILES:
        return LogReader(_file_of(engine, container), driver, request)
    from wherry.shim.log.journal_reader import JournalReader  # the driver of few

    try:
        return JournalReader(container.id, request)
    except OSError as error:
        raise Internal(f"the journal cannot be read: {error}") from error


def _file_of(engine: "Engine", container: "Container") -> Path:
    return log_path(container, engine.store.container_folder(container.id))


def clear_logs(engine: "Engine", name: str) -> None:
    """Forget what the container called `name` has logged so far."""
    container = find_live_container(engine, name)
    check_readable(engine, container)
    if _driver_of(container) not in _IN_FILES:
        raise LogNotClearable(_driver_of(container))
    path = _file_of(engine, container)
    try:
        carry_out(engine, container, "clear_logs", {})
    except ContainerNotRunning:
        clear_files(path)
