"""Stopping all containers because the machine goes down, which is no stop by hand."""

import os
import select
import signal
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from wherry.engine.reconcile import reconcile
from wherry.store.containers import Container, list_containers, shim_pid_of

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def shut_down_containers(engine: "Engine") -> list[Container]:
    """Give every container that runs its stop signal and its time; those, when all have ended.

    Their policies stay in force: `restore_containers` starts what it would after a power failure.
    """
    reconcile(engine)
    stopped: list[Container] = []
    with ExitStack() as held:
        running = select.poll()
        for container in list_containers(engine.store):
            supervisor = _supervisor_of(engine, container)
            if supervisor >= 0:
                held.callback(os.close, supervisor)
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(supervisor, signal.SIGTERM)
                    running.register(supervisor, select.POLLIN)
                    stopped.append(container)
        left = len(stopped)
        while left:
            for supervisor, _events in running.poll():
                running.unregister(supervisor)
                left -= 1
    return stopped


def _supervisor_of(engine: "Engine", container: Container) -> int:
    """A pidfd, or -1."""
    pid = shim_pid_of(engine.store, container.id)
    if pid <= 0:
        return -1
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return -1
    # Looked up again: its number may have become another process's before it was held.
    if shim_pid_of(engine.store, container.id) != pid:
        os.close(pidfd)
        return -1
    return pidfd
