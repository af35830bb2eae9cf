"""What this engine is and has, as Docker's GET /info tells it."""

import os
import socket
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from wherry.engine.documents.version import go_architecture
from wherry.oci.timestamps import format_timestamp
from wherry.store.containers import Status, list_containers
from wherry.version import __version__

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

EXTERNAL_RUNTIMES = ("runc", "crun", "youki", "runsc", "kata-runtime")
LOG_DRIVERS = ["journald", "json-file", "local", "none"]
CGROUPS = Path("/sys/fs/cgroup")


def info_document(engine: "Engine") -> dict[str, object]:
    """Docker's SystemInfo for this installation and machine."""
    statuses = Counter(container.status for container in list_containers(engine.store))
    (images,) = engine.store.database.connection.execute("SELECT count(*) FROM images").fetchone()
    machine = os.uname()
    release = _os_release()
    return {
        "ID": str(uuid5(NAMESPACE_URL, f"wherry:{_machine_id()}:{engine.store.root}")),
        "Containers": statuses.total(),
        "ContainersRunning": statuses[Status.RUNNING] + statuses[Status.RESTARTING],
        "ContainersPaused": statuses[Status.PAUSED],
        "ContainersStopped": statuses[Status.EXITED]
        + statuses[Status.CREATED]
        + statuses[Status.DEAD],
        "Images": images,
        "Driver": "overlay2",
        "DriverStatus": [["Backing Filesystem", _filesystem_of(engine.store.root)]],
        "Plugins": {
            "Volume": ["local"],
            "Network": ["bridge", "host", "null"],
            "Authorization": None,
            "Log": LOG_DRIVERS,
        },
        **_cgroup_features(),
        "IPv4Forwarding": _reads("/proc/sys/net/ipv4/ip_forward", "1"),
        "Debug": False,
        "NFd": len(os.listdir("/proc/self/fd")),
        "NGoroutines": 0,
        "SystemTime": format_timestamp(time.time_ns()),
        "LoggingDriver": "json-file",
        "NEventsListener": 0,
        "KernelVersion": machine.release,
        "OperatingSystem": release.get("PRETTY_NAME", "Linux"),
        "OSVersion": release.get("VERSION_ID", ""),
        "OSType": "linux",
        "Architecture": machine.machine,
        "IndexServerAddress": "https://index.docker.io/v1/",
        "RegistryConfig": {
            "InsecureRegistryCIDRs": ["127.0.0.0/8", "::1/128"],
            "IndexConfigs": {
                "docker.io": {"Name": "docker.io", "Mirrors": [], "Secure": True, "Official": True}
            },
            "Mirrors": None,
        },
        "NCPU": os.cpu_count() or 1,
        "MemTotal": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "GenericResources": None,
        "DockerRootDir": str(engine.store.root),
        "HttpProxy": os.environ.get("HTTP_PROXY", ""),
        "HttpsProxy": os.environ.get("HTTPS_PROXY", ""),
        "NoProxy": os.environ.get("NO_PROXY", ""),
        "Name": socket.gethostname(),
        "Labels": [],
        "ExperimentalBuild": False,
        "ServerVersion": __version__,
        "Runtimes": _runtimes(),
        "DefaultRuntime": "wherry",
        "Swarm": {
            "NodeID": "",
            "NodeAddr": "",
            "LocalNodeState": "inactive",
            "ControlAvailable": False,
            "Error": "",
            "RemoteManagers": None,
        },
        "LiveRestoreEnabled": True,  # containers never depend on a daemon
        "Isolation": "",
        "InitBinary": "tini",
        "ContainerdCommit": {"ID": ""},
        "RuncCommit": {"ID": ""},
        "InitCommit": {"ID": ""},
        "SecurityOptions": _security_options(),
        "CDISpecDirs": [],
        "Warnings": None,
        "Arch": go_architecture(machine.machine),
    }


def _cgroup_features() -> dict[str, object]:
    pure = (CGROUPS / "cgroup.controllers").exists()
    if pure:
        controllers = (CGROUPS / "cgroup.controllers").read_text().split()
    else:
        controllers = [line.split()[0] for line in Path("/proc/cgroups").read_text().splitlines()]
    memory = "memory" in controllers
    cpu = "cpu" in controllers
    swap = memory and (pure or (CGROUPS / "memory/memory.memsw.limit_in_bytes").exists())
    return {
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": "2" if pure else "1",
        "MemoryLimit": memory,
        "SwapLimit": swap,
        "CpuCfsPeriod": cpu,
        "CpuCfsQuota": cpu,
        "CPUShares": cpu,
        "CPUSet": "cpuset" in controllers,
        "PidsLimit": "pids" in controllers,
        "OomKillDisable": memory and not pure,
    }


def _runtimes() -> dict[str, object]:
    from shutil import which  # draws in what packs archives: memory that each fork shares

    found = {name: {"path": path} for name in EXTERNAL_RUNTIMES if (path := which(name))}
    return {"wherry": {"path": "wherry-runtime"}, **found}


def _security_options() -> list[str]:
    options = ["name=seccomp,profile=builtin"]
    if _reads("/sys/module/apparmor/parameters/enabled", "Y"):
        options.insert(0, "name=apparmor")
    if (CGROUPS / "cgroup.controllers").exists():
        options.append("name=cgroupns")
    if os.geteuid() != 0:
        options.append("name=rootless")
    return options


def _reads(path: str, text: str) -> bool:
    try:
        return Path(path).read_text().strip() == text
    except OSError:
        return False


def _machine_id() -> str:
    try:
        return Path("/etc/machine-id").read_text().strip()
    except OSError:
        return socket.gethostname()


def _os_release() -> dict[str, str]:
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            lines = Path(path).read_text().splitlines()
        except OSError:
            continue
        pairs = (line.split("=", 1) for line in lines if "=" in line)
        return {key: value.strip("\"'") for key, value in pairs}
    return {}


def _filesystem_of(folder: Path) -> str:
    """The type of the filesystem that holds `folder`, by the longest mount point above it."""
    best = ("", "unknown")
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        point, kind = words[4], words[words.index("-") + 1]
        if folder.is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]
