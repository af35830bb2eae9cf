"""wherry-runtime spec: write a config.json to begin with."""

import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from wherry.errors import Conflict
from wherry.oci.codec import to_json
from wherry.oci.runtime_spec import (
    Capabilities,
    DeviceRule,
    IDMapping,
    Linux,
    Mount,
    Process,
    Resources,
    Rlimit,
    Root,
    Spec,
)
from wherry.oci.runtime_spec import Namespace as SpecNamespace
from wherry.values import replace

_CAPABILITIES = ("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE")
_HIDDEN = ("nosuid", "noexec", "nodev")


class ConfigExists(Conflict):
    def __init__(self) -> None:
        super().__init__("File config.json exists. Remove it first")


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--bundle", "-b", default=".", help="default: the current directory")
    parser.add_argument("--rootless", action="store_true", help="for a container of a user's own")


def run(options: Namespace) -> None:
    spec = rootless(example()) if options.rootless else example()
    text = json.dumps(to_json(spec), indent="\t") + "\n"
    try:
        with (Path(options.bundle) / "config.json").open("x") as file:
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            file.write(text)
    except FileExistsError:
        raise ConfigExists from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def example() -> Spec:
    """A shell on a terminal, in all namespaces but that of users, on a read-only root."""
    return Spec(
        process=Process(
            terminal=True,
            args=("sh",),
            env=(
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "TERM=xterm",
            ),
            cwd="/",
            capabilities=Capabilities(
                bounding=_CAPABILITIES, effective=_CAPABILITIES, permitted=_CAPABILITIES
            ),
            rlimits=(Rlimit(type="RLIMIT_NOFILE", soft=1024, hard=1024),),
            no_new_privileges=True,
        ),
        root=Root(path="rootfs", readonly=True),
        hostname="wherry",
        mounts=(
            Mount(destination="/proc", type="proc", source="proc"),
            Mount(
                destination="/dev",
                type="tmpfs",
                source="tmpfs",
                options=("nosuid", "strictatime", "mode=755", "size=65536k"),
            ),
            Mount(
                destination="/dev/pts",
                type="devpts",
                source="devpts",
                options=(
                    *("nosuid", "noexec", "newinstance"),
                    *("ptmxmode=0666", "mode=0620", "gid=5"),
                ),
            ),
            Mount(
                destination="/dev/shm",
                type="tmpfs",
                source="shm",
                options=(*_HIDDEN, "mode=1777", "size=65536k"),
            ),
            Mount(destination="/dev/mqueue", type="mqueue", source="mqueue", options=_HIDDEN),
            Mount(destination="/sys", type="sysfs", source="sysfs", options=(*_HIDDEN, "ro")),
            Mount(
                destination="/sys/fs/cgroup",
                type="cgroup",
                source="cgroup",
                options=(*_HIDDEN, "relatime", "ro"),
            ),
        ),
        linux=Linux(
            resources=Resources(devices=(DeviceRule(allow=False, access="rwm"),)),
            namespaces=tuple(
                SpecNamespace(type=kind)
                for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup")
            ),
            masked_paths=(
                *("/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys"),
                *("/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats"),
                *("/proc/sched_debug", "/sys/firmware", "/proc/scsi"),
            ),
            readonly_paths=(
                *("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"),
            ),
        ),
    )


def rootless(spec: Spec) -> Spec:
    """`spec` for an ordinary user: its root is that user, the network and limits are the host's."""
    assert spec.linux is not None
    kinds = [one for one in spec.linux.namespaces if one.type != "network"]
    return replace(
        spec,
        mounts=tuple(_rootless(mount) for mount in spec.mounts),
        linux=replace(
            spec.linux,
            uid_mappings=(IDMapping(container_id=0, host_id=os.geteuid(), size=1),),
            gid_mappings=(IDMapping(container_id=0, host_id=os.getegid(), size=1),),
            resources=None,
            namespaces=(*kinds, SpecNamespace(type="user")),
        ),
    )


def _rootless(mount: Mount) -> Mount:
    if mount.destination == "/sys":
        # A new one would show the host's network, which is not this user's.
        options = ("rbind", *_HIDDEN, "ro")
        return Mount(destination="/sys", type="none", source="/sys", options=options)
    left = tuple(word for word in mount.options if not word.startswith(("gid=", "uid=")))
    return replace(mount, options=left)
