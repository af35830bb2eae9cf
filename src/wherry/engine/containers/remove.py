"""Removing a container.

The row goes first, under the container's lock: from then on it is not there, and its folder is
garbage, which is removed at once if nothing happens to us, and otherwise later.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.engine.containers.cgroups import cgroup_path
from wherry.errors import Conflict
from wherry.linux.cgroup.manager import open_manager
from wherry.linux.files import remove_tree
from wherry.linux.openat import opened
from wherry.network.ports import withdraw
from wherry.shim.client import SupervisorGone, request_of
from wherry.shim.errors import ContainerNotRunning
from wherry.shim.events import container_event
from wherry.shim.lock import take_shim_lock
from wherry.store.containers import (
    Container,
    NoSuchContainer,
    Status,
    delete_container,
    find_container,
    shim_pid_of,
)
from wherry.store.networks import release_endpoints
from wherry.store.volumes import NoSuchVolume, VolumeInUse, remove_volume

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_PATIENCE = 10.0  # seconds for killed processes to be gone
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


def remove_container(
    engine: "Engine", name: str, *, force: bool = False, volumes: bool = False
) -> None:
    """Remove the container called `name`; with `volumes` its anonymous ones too.

    One that runs is refused with CannotRemove, or killed first with `force`.
    """
    store = engine.store
    container = find_container(store, name)
    if container.status.has_shim and shim_pid_of(store, container.id):
        if not force:
            raise CannotRemove(container)
        _kill(engine, container)
    try:
        _remove_stopped(engine, container.id, volumes)
    except NoSuchContainer:
        return  # --rm, or another `rm`, was faster: it is gone all the same


def _remove_stopped(engine: "Engine", container_id: str, volumes: bool) -> None:
    store = engine.store
    with opened(take_shim_lock(store, container_id)):
        container = find_container(store, container_id)
        _end_orphans(container)
        forget_container(engine, container, volumes=volumes)()
        remove_tree(store.container_run_folder(container_id))


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


def _end_orphans(container: Container) -> None:
    """Kill what a supervisor that was itself killed has left; we hold its lock."""
    if not container.status.has_process:
        return
    cgroup = open_manager(cgroup_path(container.id, container.config.limits.cgroup_parent))
    if cgroup.exists:
        cgroup.signal_all(signal.SIGKILL)
        cgroup.wait_until_empty(_PATIENCE)
        cgroup.delete()


def forget_container(
    engine: "Engine", container: Container, *, volumes: bool = True
) -> Callable[[], None]:
    """Delete the row and say so; what is returned then removes the files. Call with the lock."""
    store = engine.store
    delete_container(store, container.id)
    container_event(store, container, "destroy")

    def clean_up() -> None:
        withdraw(store, container.id)
        release_endpoints(store, container.id)
        remove_tree(store.container_folder(container.id))
        for point in container.details.mounts:
            if volumes and point.anonymous:
                with suppress(VolumeInUse, NoSuchVolume):
                    remove_volume(store, point.name)

    return clean_up
