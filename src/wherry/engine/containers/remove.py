"""Removing a container.

The row goes first, under the container's lock: from then on it is not there, and its folder is
garbage, which is removed at once if nothing happens to us, and otherwise later.
"""

import os
import signal
import time
from collections.abc import Callable

from wherry.engine.containers.end_run import end_run
from wherry.engine.reconcile import reconcile_container
from wherry.errors import Conflict, Unavailable
from wherry.linux.files import remove_tree
from wherry.linux.openat import opened
from wherry.network.ports import withdraw
from wherry.shim.client import SupervisorGone, request_of
from wherry.shim.errors import AlreadyStarted, ContainerNotRunning
from wherry.shim.events import container_event
from wherry.shim.lock import remove_run_folder, take_shim_lock
from wherry.store.containers import (
    Container,
    NoSuchContainer,
    Status,
    delete_container,
    find_container,
    shim_pid_of,
)
from wherry.store.networks import release_endpoints
from wherry.store.volumes import remove_content
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_MOMENT = 0.01  # seconds between attempts
_REMEDIES = {
    Status.RUNNING: "container is running: stop the container before removing or force remove",
    Status.PAUSED: "container is paused and must be unpaused first",
    Status.RESTARTING: (
        "container is restarting: stop the container before removing or force remove"
    ),
}


class CannotRemove(Conflict):
    def __init__(self, container: Container) -> None:
        super().__init__(
            f'cannot remove container "/{container.name}": {_REMEDIES[container.status]}'
        )
        self.container = container


class CannotKill(Unavailable):
    def __init__(self, container: Container) -> None:
        super().__init__(
            f'cannot remove container "/{container.name}": could not kill container: tried to'
            " kill container, but did not receive an exit event"
        )


def remove_container(
    engine: "Engine", name: str, *, force: bool = False, volumes: bool = False
) -> None:
    """Remove the container called `name`; with `volumes` its anonymous ones too.

    One that runs is refused with CannotRemove, or killed first with `force`.
    """
    store = engine.store
    container = find_container(store, name)
    if not force:
        container = reconcile_container(engine, container)  # its policy may want it back
    try:
        while not _removed(engine, container, force=force, volumes=volumes):
            time.sleep(_MOMENT)
            container = find_container(store, container.id)
    except NoSuchContainer:
        return  # --rm, or another `rm`, was faster: it is gone all the same


def _removed(engine: "Engine", container: Container, *, force: bool, volumes: bool) -> bool:
    """One attempt; False when somebody has started it, or is at repairing it, meanwhile."""
    if container.status.has_shim and shim_pid_of(engine.store, container.id):
        if not force:
            raise CannotRemove(container)
        _kill(engine, container)
    try:
        _remove_stopped(engine, container.id, volumes)
    except AlreadyStarted:
        return False
    return True


def _remove_stopped(engine: "Engine", container_id: str, volumes: bool) -> None:
    store = engine.store
    with opened(take_shim_lock(store, container_id, of_file=True)):
        try:
            container = find_container(store, container_id)
        except NoSuchContainer:
            remove_run_folder(store, container_id)  # which asking for its lock has made anew
            raise
        if not end_run(engine, container_id, container):
            raise CannotKill(container)
        forget_container(engine, container, volumes=volumes)()
        remove_run_folder(store, container_id)


def _kill(engine: "Engine", container: Container) -> None:
    """Have the supervisor kill it for good, and wait until its end is recorded."""
    path = os.fspath(engine.store.container_run_folder(container.id) / "shim.sock")
    try:
        end = request_of(path, "wait", {"condition": "exit"})
        try:
            order = request_of(path, "kill", {"signal": int(signal.SIGKILL)})
            try:
                order.answer("done")
            finally:
                order.close()
            end.answer("exit")
        finally:
            end.close()
    except (OSError, SupervisorGone, ContainerNotRunning):
        return  # it has ended meanwhile, or its supervisor was killed: the lock tells


def forget_container(
    engine: "Engine", container: Container, *, volumes: bool = True
) -> Callable[[], None]:
    """Delete the row and say so; what is returned then removes the files. Call with the lock."""
    store = engine.store
    anonymous = [point.name for point in container.details.mounts if point.anonymous]
    unused = delete_container(store, container.id, anonymous if volumes else ())
    store.trace("container forgotten")
    container_event(store, container, "destroy")

    def clean_up() -> None:
        withdraw(store, container.id)
        release_endpoints(store, container.id)
        remove_tree(store.container_folder(container.id))
        store.trace("container folder removed")
        for name in unused:
            remove_content(store, name)

    return clean_up
