"""Orders to the process that supervises a container, and starting one through the launcher."""

import os
import select
from collections.abc import Mapping, Sequence
from contextlib import suppress

from wherry.engine.reconcile import reconcile_container
from wherry.errors import Unavailable, WherryError
from wherry.linux.openat import opened
from wherry.shim.client import Connection, Launcher, SupervisorGone, request_of
from wherry.shim.errors import ContainerNotRunning
from wherry.store.containers import Container, find_container, shim_pid_of
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_MOMENT = 1.0  # seconds for a supervisor on the way out to be gone


def launcher_of(engine: "Engine") -> Launcher:
    """Where this installation's requests go; without a launcher to a child of its own."""
    store = engine.store
    return Launcher(str(store.root), str(store.run))


def find_live_container(engine: "Engine", name: str) -> Container:
    """The container called `name`, its row put right if its supervisor has died."""
    return reconcile_container(engine, find_container(engine.store, name))


def order(
    engine: "Engine",
    container: Container,
    operation: str,
    payload: Mapping[str, object],
    descriptors: Sequence[int] = (),
) -> Connection:
    """Send an order to the supervisor of `container`, or raise ContainerNotRunning."""
    path = engine.store.container_run_folder(container.id) / "shim.sock"
    if not container.status.has_shim:
        raise ContainerNotRunning(container.id)
    try:
        return request_of(str(path), operation, payload, descriptors)
    except OSError as error:
        # It has gone between the look and the order, in good order or not.
        raise _why_unreachable(engine, container) from error


def _why_unreachable(engine: "Engine", container: Container) -> WherryError:
    _wait_for_its_end(engine, container)
    container = reconcile_container(engine, find_container(engine.store, container.id))
    if container.status.has_shim:
        return Unavailable(f"the supervisor of {container.name} cannot be reached")
    return ContainerNotRunning(container.id)


def _wait_for_its_end(engine: "Engine", container: Container) -> None:
    """If its worker was killed, the keeper that holds the lock follows in a moment."""
    with suppress(ProcessLookupError):
        if (keeper := shim_pid_of(engine.store, container.id)) > 0:
            with opened(os.pidfd_open(keeper)) as pidfd:
                select.select([pidfd], (), (), _MOMENT)


def carry_out(
    engine: "Engine",
    container: Container,
    operation: str,
    payload: Mapping[str, object],
    answer: str = "done",
) -> object:
    """Send an order and wait for its answer; the supervisor's errors are raised here."""
    connection = order(engine, container, operation, payload)
    try:
        return connection.answer(answer)
    except SupervisorGone as error:  # it took no more orders when this one came
        raise _why_unreachable(engine, container) from error
    finally:
        connection.close()
