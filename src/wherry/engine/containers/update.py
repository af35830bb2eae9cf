"""Changing limits and the restart policy of a container, running or not."""

from typing import TYPE_CHECKING

from wherry.engine.containers.cgroups import cgroup_path
from wherry.engine.containers.spec.resources import spec_resources
from wherry.engine.containers.validate_limits import check_limits
from wherry.engine.containers.warnings import limit_warnings
from wherry.errors import Conflict, Internal, InvalidArgument, Unavailable, WherryError
from wherry.linux.cgroup.manager import open_manager
from wherry.oci.container_config import ResourceLimits, RestartPolicy, RestartPolicyName
from wherry.runtime.resources import apply_resources
from wherry.shim.client import request_of
from wherry.shim.events import container_event
from wherry.store.containers import (
    Container,
    Status,
    find_container,
    shim_pid_of,
    update_config,
)
from wherry.values import replace

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
        self.hint = error.hint
        self.api_status = error.http_status


class SwapWouldBeExceeded(Conflict):
    def __init__(self) -> None:
        super().__init__(
            "Memory limit should be smaller than already set memoryswap limit, update the"
            " memoryswap at the same time",
            hint="add --memory-swap, which counts memory and swap together; -1 is without limit",
        )


class AlreadySet(Conflict):
    """CPUs can be limited in two ways; changing one to the other is refused."""

    def __init__(self, changed: str, already: str) -> None:
        super().__init__(
            f"Conflicting options: {changed} cannot be updated as {already} has already been set"
        )


def update_container(
    engine: "Engine",
    name: str,
    limits: ResourceLimits | None = None,
    restart_policy: RestartPolicy | None = None,
) -> list[str]:
    """Give the container called `name` these limits, where they are set, and this policy.

    The processes of a running one feel them before anything is recorded; what the kernel refuses
    changes nothing. Returned are Docker's warnings of what this kernel will not keep.
    """
    store = engine.store
    wanted = limits or ResourceLimits()
    container = find_container(store, name)
    check_limits(wanted, update=True)
    try:
        _check_state(container)
        if restart_policy is not None:
            _check_policy(container, restart_policy)
        merged = merged_limits(container.config.limits, wanted)
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
    return limit_warnings(wanted)


def merged_limits(old: ResourceLimits, new: ResourceLimits) -> ResourceLimits:
    """`old` with what is set in `new`; ways to say the same thing exclude each other."""
    if new.nano_cpus and old.cpu_period:
        raise AlreadySet("Nano CPUs", "CPU Period")
    if new.nano_cpus and old.cpu_quota:
        raise AlreadySet("Nano CPUs", "CPU Quota")
    if new.cpu_period and old.nano_cpus:
        raise AlreadySet("CPU Period", "NanoCPUs")
    if new.cpu_quota and old.nano_cpus:
        raise AlreadySet("CPU Quota", "NanoCPUs")
    # As Docker has it: also where there was no limit, or an unlimited swap.
    if new.memory and not new.memory_swap and new.memory > old.memory_swap:
        raise SwapWouldBeExceeded
    changes = {name: getattr(new, name) for name in _CHANGEABLE if getattr(new, name)}
    if new.pids_limit is not None and new.pids_limit <= 0:  # no limit, and not: no change
        changes["pids_limit"] = 0
    return replace(old, **changes)


def _check_state(container: Container) -> None:
    if container.status in (Status.REMOVING, Status.DEAD):
        raise Conflict('Container is marked for removal and cannot be "update".')


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
