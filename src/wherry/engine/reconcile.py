"""Putting right what a supervisor that was killed has left, found by the next command.

    row says it runs, nobody holds its lock, run folder there    the shim was killed
    row says it runs, no run folder                              the machine went down
    run folder, nobody holds its lock, row says it does not run  killed while starting or leaving
    run folder, nobody holds its lock, no row                    killed while it was removed

In each case what is left of the container is killed, what it held is released and its row says
exited; after a killed shim its restart policy is honoured at once, after a reboot that is
`system restore`'s. When all is well this costs a query, and a lock to look at per container.
"""

import os
import signal
import time
from contextlib import suppress

from wherry.errors import NotFound, WherryError
from wherry.linux.files import remove_tree
from wherry.oci.timestamps import format_timestamp
from wherry.shim.client import Launcher
from wherry.shim.events import died_event
from wherry.shim.lock import LEAVING, remove_run_folder, try_shim_lock
from wherry.shim.restart import should_restart
from wherry.store.containers import (
    Container,
    Status,
    find_container,
    list_containers,
    shim_pid_of,
    supervised_ids,
    update_state,
)
from wherry.store.garbage import has_dead_staging, has_strays, sweep
from wherry.store.networks import containers_with_endpoints
from wherry.store.published_ports import containers_with_ports
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

KILLED = 128 + signal.SIGKILL
MACHINE_WENT_DOWN = 255


def reconcile(engine: "Engine") -> None:
    """Repair every container whose supervisor is gone, and sweep up after other processes."""
    store = engine.store
    try:
        found = os.listdir(store.run / "containers")
    except FileNotFoundError:
        found = []
    for name in found:
        if name.startswith(LEAVING):  # a supervisor was killed over it, or has yet to finish
            remove_tree(store.run / "containers" / name)
    found = [name for name in found if not name.startswith(LEAVING)]
    dead = [container_id for container_id in found if not shim_pid_of(store, container_id)]
    dead += supervised_ids(store) - set(found)
    for container_id in dead:
        _repair(engine, container_id)
    if has_dead_staging(store):
        sweep(store)


def finish_what_a_reboot_cut_short(engine: "Engine") -> None:
    """Release and remove what no run folder tells of any more, since those are gone.

    That is of containers that had ended, or whose rows were deleted, and were not yet tidied up.
    """
    store = engine.store
    half = containers_with_ports(store) | containers_with_endpoints(store)
    half |= {
        container.id
        for container in list_containers(store)
        if container.config.auto_remove and container.status is Status.EXITED
    }
    for container_id in half.difference(os.listdir(store.run / "containers")):
        _repair(engine, container_id)  # nobody, if it has just been started
    if has_dead_staging(store) or has_strays(store):
        sweep(store)


def reconcile_container(engine: "Engine", container: Container) -> Container:
    """The container as it is, repaired if its row says it runs and its supervisor is gone."""
    if not container.status.has_shim or shim_pid_of(engine.store, container.id):
        return container
    _repair(engine, container.id)
    return find_container(engine.store, container.id)


def _repair(engine: "Engine", container_id: str) -> None:
    from wherry.engine.containers.end_run import end_run  # only a repair needs them
    from wherry.engine.containers.remove import forget_container

    store = engine.store
    rebooted = not store.container_run_folder(container_id).exists()
    # Of the file: in the API's service other threads look at containers meanwhile.
    lock = try_shim_lock(store, container_id, of_file=True)
    if lock is None:
        return  # someone is at it, or it has just been started again
    try:
        container = _found(engine, container_id)
        if container is not None and container.status.has_shim:
            container = record_end(engine, container, rebooted=rebooted)
            store.trace("repair: end recorded")
        gone = end_run(engine, container_id, container)
        store.trace("repair: run ended")
        if container is None:  # killed while it was removed: its folder and volumes are there
            sweep(store)
        elif container.config.auto_remove and container.status is Status.EXITED:
            forget_container(engine, container)()
        restarts = container is not None and container.status is Status.RESTARTING
        # Its folder tells the next command that this was no reboot, or that there is more to do.
        if gone and not restarts:
            remove_run_folder(store, container_id)
    finally:
        os.close(lock)
    if container is not None and restarts:
        store.trace("repair: to be restarted")
        _restart(engine, container)


def recover_container(engine: "Engine", container: Container) -> Container:
    """The same for one that is about to be started by us, who hold its lock."""
    from wherry.engine.containers.end_run import end_run

    container = record_end(engine, container)
    end_run(engine, container.id, container)
    return container


def _found(engine: "Engine", container_id: str) -> Container | None:
    try:
        return find_container(engine.store, container_id)
    except NotFound:
        return None


def record_end(engine: "Engine", container: Container, *, rebooted: bool = False) -> Container:
    """The row after an end that nobody saw: exited, or restarting if policy wants it back at once.

    Call with the shim lock. First of all, so that it is what others see while the rest is done.
    """
    state = container.state
    if container.status is Status.RESTARTING:  # it had ended before, and that was seen
        if not rebooted:
            return container
        return update_state(engine.store, container.id, status=Status.EXITED)
    code = MACHINE_WENT_DOWN if rebooted else KILLED
    again = not rebooted and should_restart(
        container.config.restart_policy,
        code,
        state.restart_count,
        stop_requested=state.stop_requested,
    )
    container = update_state(
        engine.store,
        container.id,
        status=Status.RESTARTING if again else Status.EXITED,
        pid=0,
        pid_start_time=0,
        exit_code=code,
        finished_at=format_timestamp(time.time_ns()),
        restart_count=state.restart_count + again,
    )
    died_event(engine.store, container, exitCode=str(code))
    return container


def _restart(engine: "Engine", container: Container) -> None:
    store = engine.store
    launcher = Launcher(str(store.root), str(store.run))
    payload = {"name": container.id, "restart_count": container.state.restart_count}
    # Why it cannot be started is in its row, as after a failed restart by its shim; where even
    # that could not be written it is still to be restarted, and the next command tries again.
    with suppress(WherryError, OSError):
        connection = launcher.request("start", payload)
        try:
            connection.answer("started")
        finally:
            connection.close()
