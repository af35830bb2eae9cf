"""Containers whose cgroup systemd makes: `--systemd-cgroup`, runc's "systemd cgroup driver".

systemd makes a scope below the slice that cgroupsPath names. It is told of the limits that it can
show and change later; all of them are then set as in any cgroup, for it leaves the scope to us.
"""

import os
from contextlib import AbstractContextManager

from wherry.errors import InvalidArgument, Unsupported
from wherry.linux.cgroup.manager import CgroupManager, open_manager
from wherry.linux.idmap import in_first_user_namespace
from wherry.linux.systemd import Property, has_systemd, started_scope
from wherry.oci.runtime_spec import Linux, Resources, Spec

_SECOND = 1_000_000  # microseconds
_PROPERTIES = "org.systemd.property."


class NoSystemd(Unsupported):
    def __init__(self) -> None:
        super().__init__("--systemd-cgroup needs systemd as the init of this machine, and root")


def systemd_cgroup(spec: Spec, container_id: str) -> CgroupManager:
    """The cgroup of the scope that systemd is to make, or a refusal."""
    if os.geteuid() != 0 or not in_first_user_namespace() or not has_systemd():
        raise NoSystemd
    for name in spec.annotations:
        if name.startswith(_PROPERTIES):
            raise Unsupported(f"annotation {name}: properties of systemd are not supported")
    text = (spec.linux or Linux()).cgroups_path or f":wherry:{container_id}"
    if text.startswith("/") or text.count(":") != 2 or text.endswith(".slice"):
        raise InvalidArgument(
            'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups,'
            f" got {text!r} instead"
        )
    try:
        return open_manager(text)
    except ValueError as error:
        raise InvalidArgument(str(error)) from error


def scope_of(
    cgroup: CgroupManager | None, spec: Spec, container_id: str
) -> AbstractContextManager[None]:
    """Have systemd make the scope, which lives on if the block puts a process into it."""
    assert cgroup is not None
    limits = _limits((spec.linux or Linux()).resources or Resources())
    return started_scope(cgroup.path, f"wherry container {container_id}", limits)


def _limits(resources: Resources) -> dict[str, Property]:
    """The limits that a unit of systemd has too."""
    found: dict[str, Property] = {}
    memory, cpu = resources.memory, resources.cpu
    if memory is not None and memory.limit is not None and memory.limit > 0:
        found["MemoryMax"] = ("t", memory.limit)
    if resources.pids is not None and resources.pids.limit > 0:
        found["TasksMax"] = ("t", resources.pids.limit)
    if cpu is not None and cpu.quota is not None and cpu.quota > 0:
        found["CPUQuotaPerSecUSec"] = ("t", cpu.quota * _SECOND // (cpu.period or 100_000))
    return found
