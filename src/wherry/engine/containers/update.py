"""Changing limits and the restart policy of a container, running or not."""

from dataclasses import replace
from typing import TYPE_CHECKING

from wherry.engine.containers.cgroups import cgroup_path
from wherry.engine.containers.spec.resources import spec_resources
from wherry.engine.containers.validate_limits import check_limits
from wherry.errors import Conflict, Internal, InvalidArgument, Unavailable, WherryError
from wherry.linux.cgroup.manager import open_manager
from wherry.oci.container_config import ResourceLimits, RestartPolicy, RestartPolicyName
from wherry.runtime.resources import apply_resources
from wherry.shim.client import request_of
from wherry.shim.events import container_event
from wherry.store.containers import (
    Container,
    find_container,
    shim_pid_of,
    update_config,
)

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

# What `update` can change; Docker takes the rest of Resources at create alone.
_CHANGEABLE = (
    "memory", "memory_reservation", "memory_swap", "nano_cpus", "cpu_shares", "cpu_period",
    "cpu_quota", "cpu_realtime_period", "cpu_realtime_runtime", "cpuset_cpus", "cpuset_mems",
    "blkio_weight", "pids_limit",
)  # fmt: skip


class CannotUpdate(Internal):
    def __init__(self, container: Container, error: WherryError) -> None:
        super().__init__(f"Cannot update container {container.id}: {error.message}")


def update_container(
    engine: "Engine",
    name: str,
    limits: ResourceLimits | None = None,
    restart_policy: RestartPolicy | None = None,
) -> None:
    """Give the container called `name` these limits, where they are set, and this policy.

    The processes of a running one feel them before anything is recorded; what the kernel refuses
    changes nothing.
    """
    store = engine.store
    container = find_container(store, name)
    if restart_policy is not None:
        _check_policy(container, restart_policy)
    try:
        merged = merged_limits(container.config.limits, limits or ResourceLimits())
        check_limits(merged, update=True)
        running = container.status.has_process and bool(shim_pid_of(store, container.id))
        if limits is not None and running:
            _apply(container, merged)
    except WherryError as error:
        raise CannotUpdate(container, error) from error
    config = replace(
        container.config,
        limits=merged,
        restart_policy=restart_policy or container.config.restart_policy,
    )
    update_config(store, container.id, config)
    _tell_supervisor(engine, container)
    container_event(store, replace(container, config=config), "update")


def merged_limits(old: ResourceLimits, new: ResourceLimits) -> ResourceLimits:
    """`old` with what is set in `new`; ways to say the same thing exclude each other."""
    changes = {name: getattr(new, name) for name in _CHANGEABLE if getattr(new, name)}
    if new.nano_cpus and (old.cpu_period or old.cpu_quota):
        raise Conflict(
            "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set"
        )
    if (new.cpu_period or new.cpu_quota) and old.nano_cpus:
        raise Conflict(
            "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set"
        )
    if 0 < old.memory_swap < new.memory and not new.memory_swap:
        raise InvalidArgument(
            "Memory limit should be smaller than already set memoryswap limit, update the"
            " memoryswap at the same time"
        )
    return replace(old, **changes)


def _check_policy(container: Container, policy: RestartPolicy) -> None:
    if container.config.auto_remove and policy.name is not RestartPolicyName.NO:
        raise InvalidArgument(
            "Restart policy cannot be updated because AutoRemove is enabled for the container"
        )


def _apply(container: Container, limits: ResourceLimits) -> None:
    cgroup = open_manager(cgroup_path(container.id, limits.cgroup_parent))
    apply_resources(cgroup, spec_resources(limits, ()), with_devices=False)


def _tell_supervisor(engine: "Engine", container: Container) -> None:
    """Have the supervisor read the row again; one that has just gone has no need to."""
    if not container.status.has_shim:
        return
    path = engine.store.container_run_folder(container.id) / "shim.sock"
    try:
        connection = request_of(str(path), "update", {})
    except OSError:
        return
    try:
        connection.answer("done")
    except Unavailable:
        return
    finally:
        connection.close()
