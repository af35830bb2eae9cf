"""Ending a run of a container whose supervisor is gone: what it would have done itself."""

import signal
import time

from wherry.engine.containers.cgroups import cgroup_path
from wherry.engine.containers.start_mounts import release_host_mounts
from wherry.engine.containers.volume_mounts import let_go_of_volumes
from wherry.linux.cgroup.manager import CgroupManager, open_manager
from wherry.network.ports import withdraw
from wherry.store.containers import Container
from wherry.store.networks import release_endpoints
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_EMPTYING = 10.0  # seconds for killed processes to be gone
_MOMENT = 0.005


def end_run(engine: "Engine", container_id: str, container: Container | None) -> bool:
    """Kill what still runs, and give back what belongs to a run. Call with the shim lock.

    `container` is None when its row is gone already. Again is no error, and to be done where this
    returns False: some process does not die.
    """
    store = engine.store
    parent = container.config.limits.cgroup_parent if container is not None else ""
    gone = _kill_all(open_manager(cgroup_path(container_id, parent)))
    withdraw(store, container_id)
    release_endpoints(store, container_id)
    release_host_mounts(store, container_id)
    if container is not None:
        let_go_of_volumes(store, container)
    return gone


def _kill_all(cgroup: CgroupManager) -> bool:
    """Kill all processes of a cgroup and remove it; False when the kernel keeps one for long."""
    deadline = time.monotonic() + _EMPTYING
    while cgroup.exists:
        cgroup.signal_all(signal.SIGKILL)
        cgroup.wait_until_empty(_EMPTYING)
        try:
            cgroup.delete()
        except OSError:
            # A child of the killed supervisor has just entered it, and will find that out.
            if time.monotonic() > deadline:
                return False
            time.sleep(_MOMENT)
    return True
