"""Kernel parameters of a container: only those that belong to its own namespaces.

https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#sysctl
"""

import errno
import os
from collections.abc import Container, Mapping

from wherry.linux.mount import PROC_SUPER_MAGIC, filesystem_type
from wherry.linux.openat import open_beneath, opened

_IPC = frozenset(
    (
        *("kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall"),
        *("kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"),
    )
)
_UTS = {"kernel.domainname": "domainname", "kernel.hostname": "hostname"}


def sysctl_faults(
    settings: Mapping[str, str], namespaces: Container[str], *, hostname: str
) -> list[str]:
    """Why `settings` may not be made, given the types of namespaces that are the container's."""
    faults = []
    for name in settings:
        if not all(part.strip(".") for part in name.split("/")):
            faults.append(f'sysctl "{name}" is not a name of a setting')
            continue
        dotted = name.replace("/", ".") if "/" in name else name
        if dotted in _IPC or dotted.startswith("fs.mqueue."):
            wanted = "ipc"
        elif dotted.startswith("net."):
            wanted = "network"
        elif dotted in _UTS:
            wanted = "uts"
            if dotted == "kernel.hostname" and hostname:
                faults.append(f'sysctl "{name}" conflicts with hostname')
        else:
            faults.append(f'sysctl "{name}" is not in a separate kernel namespace')
            continue
        if wanted not in namespaces:
            faults.append(f'sysctl "{name}" is not allowed in the hosts {wanted} namespace')
    return faults


def concerns_interfaces(settings: Mapping[str, str]) -> bool:
    """Whether the network must be plugged in before the settings can be made."""
    return any(
        f"{kind}{separator}" in name
        for name in settings
        for separator in "./"
        for kind in (f"{separator}conf", f"{separator}neigh")
    )


def write_sysctls(settings: Mapping[str, str]) -> None:
    """Make the settings for this process's namespaces, through the host's /proc."""
    if not settings:
        return
    with opened(os.open("/proc/sys", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)) as root:
        for name, value in settings.items():
            # An interface may be called eth0.1: then the name is spelt with slashes.
            path = name if "/" in name else name.replace(".", "/")
            if not all(part.strip(".") for part in path.split("/")):
                raise OSError(errno.EINVAL, "is not a name of a setting", name)
            with opened(open_beneath(root, path, os.O_WRONLY)) as descriptor:
                _write_setting(descriptor, value, path)


def _write_setting(descriptor: int, value: str, path: str) -> None:
    if filesystem_type(descriptor) != PROC_SUPER_MAGIC:
        raise OSError(errno.EINVAL, "is not on procfs", path)
    try:
        os.write(descriptor, value.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
