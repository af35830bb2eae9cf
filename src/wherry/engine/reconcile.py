"""Putting right what a supervisor that was killed has left, found by the next command.

    row says it runs, nobody holds its lock, run folder there    the shim was killed
    row says it runs, no run folder                              the machine went down
    run folder, nobody holds its lock, row says it does not run  killed while starting or leaving

In each case what is left of the container is killed, what it held is released and its row says
exited; after a killed shim its restart policy is honoured at once, after a reboot that is
`system restore`'s. When all is well this costs a query, and a lock to look at per container.
"""

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.engine.containers.cgroups import cgroup_path
from wherry.errors import NotFound, WherryError
from wherry.linux.cgroup.manager import open_manager
from wherry.linux.files import remove_tree
from wherry.network.ports import withdraw
from wherry.oci.timestamps import format_timestamp
from wherry.shim.client import Launcher
from wherry.shim.events import container_event
from wherry.shim.lock import try_shim_lock
from wherry.shim.restart import should_restart
from wherry.store.containers import (
    Container,
    Status,
    find_container,
    shim_pid_of,
    supervised_ids,
    update_state,
)
from wherry.store.networks import release_endpoints

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

KILLED = 128 + signal.SIGKILL
MACHINE_WENT_DOWN = 255
_EMPTYING = 10.0  # seconds for killed processes to be gone


def reconcile(engine: "Engine") -> None:
    """Repair every container whose supervisor is gone."""
    store = engine.store
    try:
        found = os.listdir(store.run / "containers")
    except FileNotFoundError:
        found = []
    dead = [container_id for container_id in found if not shim_pid_of(store, container_id)]
    dead += supervised_ids(store) - set(found)
    for container_id in dead:
        _repair(engine, container_id)


def reconcile_container(engine: "Engine", container: Container) -> Container:
    """The container as it is, repaired if its row says it runs and its supervisor is gone."""
    if not container.status.has_shim or shim_pid_of(engine.store, container.id):
        return container
    _repair(engine, container.id)
    return find_container(engine.store, container.id)


def _repair(engine: "Engine", container_id: str) -> None:
    store = engine.store
    folder = store.container_run_folder(container_id)
    rebooted = not folder.exists()
    lock = try_shim_lock(store, container_id)
    if lock is None:
        return  # someone is at it, or it has just been started again
    try:
        container = _found(engine, container_id)
        _release(engine, container_id, container)
        if container is not None and container.status.has_shim:
            container = _record_end(engine, container, rebooted)
        else:
            container = None
        remove_tree(folder)
    finally:
        os.close(lock)
    if container is not None and not rebooted:
        _honour_policy(engine, container)


def _found(engine: "Engine", container_id: str) -> Container | None:
    try:
        return find_container(engine.store, container_id)
    except NotFound:
        return None


def _release(engine: "Engine", container_id: str, container: Container | None) -> None:
    """End what still runs, and give back what belongs to a run."""
    parent = container.config.limits.cgroup_parent if container is not None else ""
    cgroup = open_manager(cgroup_path(container_id, parent))
    if cgroup.exists:
        cgroup.signal_all(signal.SIGKILL)
        cgroup.wait_until_empty(_EMPTYING)
        with suppress(OSError):  # a process that the kernel keeps; the next repair finds it
            cgroup.delete()
    withdraw(engine.store, container_id)
    release_endpoints(engine.store, container_id)


def _record_end(engine: "Engine", container: Container, rebooted: bool) -> Container | None:
    """The row after an end that nobody saw; None when the container is removed with it."""
    code = MACHINE_WENT_DOWN if rebooted else KILLED
    if container.status is Status.RESTARTING:  # it had ended before, and that was seen
        code = container.state.exit_code
    container = update_state(
        engine.store,
        container.id,
        status=Status.EXITED,
        pid=0,
        pid_start_time=0,
        exit_code=code,
        finished_at=format_timestamp(time.time_ns()),
    )
    container_event(engine.store, container, "die", exitCode=str(code))
    if container.config.auto_remove:
        from wherry.engine.containers.remove import remove_container  # it reconciles, too

        remove_container(engine, container.id, force=True, volumes=True)
        return None
    return container


def _honour_policy(engine: "Engine", container: Container) -> None:
    state = container.state
    again = should_restart(
        container.config.restart_policy,
        state.exit_code,
        state.restart_count,
        stop_requested=state.stop_requested,
    )
    if not again:
        return
    launcher = Launcher(str(engine.store.root), str(engine.store.run))
    payload = {"name": container.id, "restart_count": state.restart_count + 1}
    connection = launcher.request("start", payload)
    # Why it cannot be started is in its row, as after a failed restart by its shim.
    with suppress(WherryError):
        connection.answer("started")
    connection.close()
