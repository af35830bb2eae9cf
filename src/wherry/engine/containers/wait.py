"""Waiting for a container to stop, to be removed, or to be healthy."""

from select import select
from typing import TYPE_CHECKING

from wherry.engine.containers.orders import find_live_container, order
from wherry.engine.events import settle
from wherry.errors import InvalidArgument, NotFound
from wherry.linux.inotify import Change, Inotify
from wherry.shim.client import SupervisorGone
from wherry.shim.errors import ContainerNotRunning
from wherry.store.containers import Container, find_container

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

CONDITIONS = ("not-running", "next-exit", "removed")


def wait_container(engine: "Engine", name: str, condition: str = "not-running") -> int:
    """The exit code of the container called `name`, once `condition` is true of it.

    not-running  at once when it has stopped; for `created` as well
    next-exit    its next end, also when it has not been started yet
    removed      when its row is gone
    """
    if condition not in CONDITIONS:
        raise InvalidArgument(f"invalid condition: {condition!r}")
    container = find_live_container(engine, name)
    if condition == "next-exit" and not container.status.has_shim:
        container = _when_changed(engine, container)
    code = _exit_code(engine, container)
    if condition == "removed":
        _wait_for_removal(engine, container)
    return code


def _exit_code(engine: "Engine", container: Container) -> int:
    if container.status.has_shim:
        try:
            connection = order(engine, container, "wait", {"condition": "exit"})
            try:
                code = connection.answer("exit")
            finally:
                connection.close()
            return code if isinstance(code, int) else 0
        except (ContainerNotRunning, SupervisorGone):
            pass  # it has just ended, perhaps before it has read what was asked
        try:
            container = find_live_container(engine, container.id)
        except NotFound:  # --rm
            return 0
    return container.state.exit_code


def _when_changed(engine: "Engine", container: Container) -> Container:
    """The container once it runs, or has run since."""
    before = container.state.started_at
    with Inotify() as inotify:
        inotify.watch(engine.store.root / "wherry.db-wal", Change.MODIFY)
        while True:
            container = find_container(engine.store, container.id)
            if container.status.has_process or container.state.started_at != before:
                return container
            _next_change(engine, inotify)


def _wait_for_removal(engine: "Engine", container: Container) -> None:
    with Inotify() as inotify:
        inotify.watch(engine.store.root / "wherry.db-wal", Change.MODIFY)
        while True:
            try:
                find_container(engine.store, container.id)
            except NotFound:
                return
            _next_change(engine, inotify)


def _next_change(engine: "Engine", inotify: Inotify) -> None:
    select([inotify.descriptor], [], [])
    list(inotify.changes())
    settle(engine.store)
