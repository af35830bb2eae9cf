"""Freezing a container's processes and letting them go on, which a full disk does not hinder."""

from wherry.shim.events import container_event
from wherry.store.containers import Status
from wherry.store.database import DatabaseFailed
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.shim.run import Run
    from wherry.shim.supervise import Supervisor

_NO_ROOM = 1.0  # seconds between attempts at a row that the disk has no room for


def freeze(supervisor: "Supervisor", run: "Run") -> None:
    """Freeze all processes, or raise: none stands still that no row says it of."""
    run.cgroup.freeze()
    try:
        supervisor.record_status(Status.PAUSED)
    except DatabaseFailed:
        run.cgroup.thaw()
        raise
    container_event(supervisor.store, supervisor.container, "pause")


def thaw(supervisor: "Supervisor", run: "Run") -> None:
    """Let all processes go on; what cannot be recorded for want of room is once there is some."""
    run.cgroup.thaw()
    _record_thawed(supervisor, run)


def _record_thawed(supervisor: "Supervisor", run: "Run") -> None:
    if supervisor.run is not run or run.cgroup.frozen:
        return  # it has ended, or was paused again meanwhile
    try:
        supervisor.record_status(Status.RUNNING)
        container_event(supervisor.store, supervisor.container, "unpause")
    except DatabaseFailed as error:
        if not error.full:
            raise
        supervisor.loop.call_later(_NO_ROOM, lambda: _record_thawed(supervisor, run))
