"""Containers whose cgroup systemd makes: `--systemd-cgroup`, runc's "systemd cgroup driver".

systemd makes a scope below the slice that cgroupsPath names: the machine's systemd for root, for
an ordinary user the instance that logind keeps for that user. It is told of the limits that it can
show and would otherwise set back; all of them are then set as in any cgroup, for it leaves the
scope to us.
"""

import os
from contextlib import AbstractContextManager

from wherry.errors import Internal, InvalidArgument, Unsupported
from wherry.linux import systemd
from wherry.linux.cgroup.hierarchies import hierarchies
from wherry.linux.cgroup.manager import CgroupManager, open_manager
from wherry.linux.cgroup.paths import checked_path
from wherry.linux.cgroup.v2 import V2Manager
from wherry.oci.runtime_spec import Linux, Resources, Spec
from wherry.runtime.errors import ContainerStartFailed
from wherry.runtime.init.channel import reason_of
from wherry.runtime.resources import LimitsRefused
from wherry.runtime.unit_properties import asked_properties, limit_properties


class UsersScope(V2Manager):
    """A scope of a user's own systemd: from a login's session into it no user may move a process,
    cgroups(7), but systemd does."""

    def __init__(self, path: str) -> None:
        super().__init__(path, hierarchies())

    def fork(self, *, beside: int | None = None) -> int:  # noqa: ARG002 - systemd knows where
        pid = os.fork()
        if pid:
            systemd.attach(self.path, pid)
        return pid

    def enter(self, *, beside: int | None = None) -> None:
        """Nothing: the one that forked has seen to it."""


def scope_cgroup(path: str) -> CgroupManager:
    """The cgroup of a scope that systemd has made, or is to make."""
    found = hierarchies()
    if systemd.is_users_own() and found.version == 2:
        return UsersScope(path)
    return open_manager(path, found)


class NoSystemd(Unsupported):
    def __init__(self) -> None:
        super().__init__(
            "--systemd-cgroup needs systemd as the init of this machine,"
            " and for an ordinary user that user's instance of it"
        )


def systemd_cgroup(spec: Spec, container_id: str) -> CgroupManager:
    """The cgroup of the scope that systemd is to make, or a refusal."""
    if not systemd.has_systemd():
        raise NoSystemd
    users_own = systemd.is_users_own()
    default = f"{'user.slice' if users_own else ''}:wherry:{container_id}"
    text = (spec.linux or Linux()).cgroups_path or default
    if text.startswith("/") or text.count(":") != 2 or text.endswith(".slice"):
        raise InvalidArgument(
            'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups,'
            f" got {text!r} instead"
        )
    try:
        above = systemd.control_group() if users_own else ""
        return scope_cgroup(above + checked_path(text))
    except ValueError as error:
        raise InvalidArgument(str(error)) from error
    except OSError as error:
        raise ContainerStartFailed("asking systemd", reason_of(error)) from error


def scope_of(
    cgroup: CgroupManager | None, spec: Spec, container_id: str
) -> AbstractContextManager[None]:
    """Have systemd make the scope, which lives on if the block puts a process into it."""
    assert cgroup is not None
    resources = (spec.linux or Linux()).resources or Resources()
    properties = {
        **limit_properties(resources, cgroup.version),
        **asked_properties(spec.annotations),
    }
    return systemd.started_scope(cgroup.path, f"wherry container {container_id}", properties)


def end_scope(cgroup: CgroupManager) -> None:
    """Have systemd forget a scope whose processes have ended, or never were."""
    try:
        systemd.stop_unit(cgroup.path)
    except OSError as error:
        raise Internal(f"unable to stop unit: {reason_of(error)}") from error


def tell_systemd(cgroup: CgroupManager, resources: Resources) -> None:
    """Let the scope of a container show, and keep, limits that are about to be set."""
    if properties := limit_properties(resources, cgroup.version):
        try:
            systemd.set_properties(cgroup.path, properties)
        except OSError as error:
            raise LimitsRefused(f"unable to set unit properties: {reason_of(error)}") from error
