"""What this host can do, found out by trying it once. A skipped test says what failed."""

import ctypes
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from wherry.linux.libc import declare, last_error
from wherry.linux.systemd import has_systemd
from wherry.shim.log.options import JOURNAL_SOCKET

_unshare = declare("unshare", ctypes.c_int)
_CLONE = {"mount": 0x20000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000}
_CLONE |= {"pid": 0x20000000, "network": 0x40000000, "cgroup": 0x2000000}


class Missing(Exception):
    """Why the host lacks an ability."""


@cache
def lacking(ability: str) -> str:
    """Why `ability` is missing here, or "" when the host has it."""
    probe = PROBES.get(ability)
    if probe is None:
        raise LookupError(f"no probe for the ability {ability!r}; known: {', '.join(PROBES)}")
    try:
        probe()
    except (Missing, OSError, subprocess.SubprocessError) as error:
        return str(error) or type(error).__name__
    return ""


def _root() -> None:
    if os.geteuid() != 0:
        raise Missing(f"runs as uid {os.geteuid()}")


def _in_child(action: Callable[[], None]) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            action()
        except OSError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as answer:
        if text := answer.read():
            raise Missing(text)


def _namespace(kind: str) -> Callable[[], None]:
    def unshare() -> None:
        if _unshare(_CLONE[kind]) != 0:
            raise last_error()

    return lambda: _in_child(unshare)


def _overlay() -> None:
    _root()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        for part in ("lower", "upper", "work", "merged"):
            Path(name, part).mkdir()
        options = f"lowerdir={name}/lower,upperdir={name}/upper,workdir={name}/work"
        subprocess.run(
            ["unshare", "-m", "mount", "-t", "overlay", "-o", options, "overlay", f"{name}/merged"],
            check=True,
            capture_output=True,
        )


def _nftables() -> None:
    _root()
    _program("nft")()
    subprocess.run(
        ["unshare", "-n", "nft", "add", "table", "ip", "probe"], check=True, capture_output=True
    )


def _cgroup(version: int) -> Callable[[], None]:
    def probe() -> None:
        pure = Path("/sys/fs/cgroup/cgroup.controllers").exists()
        if pure != (version == 2):
            raise Missing(f"/sys/fs/cgroup is {'pure v2' if pure else 'v1 or hybrid'}")

    return probe


def _program(name: str) -> Callable[[], None]:
    def probe() -> None:
        if shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            raise Missing(f"{name} is not installed")

    return probe


def _containers() -> None:
    _root()
    _overlay()
    for kind in _CLONE:
        _namespace(kind)()
    if not Path("/bin/busybox").exists():
        raise Missing("busybox-static is not installed")


def _mirror() -> None:
    """The Debian mirror that apt is configured with can be looked up."""
    _program("apt-get")()
    uris = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    if not uris:
        raise Missing("apt has no sources")
    host = uris[0].split("://", 1)[-1].split("/", 1)[0].split("@")[-1].split(":")[0]
    socket.getaddrinfo(host, None)


def _installed(name: str) -> Callable[[], None]:
    """A program that pip puts beside the interpreter."""

    def probe() -> None:
        if not (Path(sys.executable).parent / name).exists():
            raise Missing(f"no {name} beside {sys.executable}")

    return probe


def why_not_run(runtime: str) -> str:
    """Why another OCI runtime cannot be a referee here, or "" when it can."""
    if shutil.which(runtime, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
        return f"{runtime} is not installed"
    controllers = Path("/sys/fs/cgroup/unified/cgroup.controllers")
    if runtime == "crun" and controllers.exists() and controllers.read_text().split():
        return "crun refuses hybrid cgroups with a controller in the v2 tree"
    return ""


def _pypi() -> None:
    socket.getaddrinfo("pypi.org", None)


def _systemd() -> None:
    if not has_systemd():
        raise Missing("systemd is not this machine's init")


def _journald() -> None:
    _program("journalctl")()
    if not os.path.exists(JOURNAL_SOCKET):
        raise Missing("no systemd-journald runs here")


PROBES: dict[str, Callable[[], None]] = {
    "root": _root,
    "overlay": _overlay,
    "netns": _namespace("network"),
    "userns": _namespace("user"),
    "nftables": _nftables,
    "cgroup1": _cgroup(1),
    "cgroup2": _cgroup(2),
    "containers": _containers,
    "systemd": _systemd,
    "journald": _journald,
    "dockerd": _program("dockerd"),
    "docker": _program("docker"),
    "podman": _program("podman"),
    "containerd": _program("ctr"),
    "runc": _program("runc"),
    "crun": _program("crun"),
    "hadolint": _installed("hadolint"),
    "shellcheck": _installed("shellcheck"),
    "skopeo": _program("skopeo"),
    "registry": _program("docker-registry"),
    "git": _program("git"),
    "ssh-agent": _program("ssh-agent"),
    "mmdebstrap": _program("mmdebstrap"),
    "tini": _program("tini"),
    "mirror": _mirror,
    "pypi": _pypi,
}
