"""What a container sees of its confinement, beside one of Docker's with the same options."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd

pytestmark = pytest.mark.needs("containers", "dockerd", "docker")

PROBE = (Path(__file__).parent.parent / "data" / "confinement.sh").read_text()

OPTIONS = {
    "default": (),
    "user": ("-u", "1000:1000"),
    "unknown-user-number": ("-u", "4711"),
    "groups": ("--group-add", "7", "--group-add", "root"),
    "drop-all": ("--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE"),
    "add": ("--cap-add", "SYS_ADMIN", "--cap-add", "net_admin"),
    "no-new-privileges": ("--security-opt", "no-new-privileges"),
    "seccomp-unconfined": ("--security-opt", "seccomp=unconfined"),
    "systempaths": ("--security-opt", "systempaths=unconfined"),
    "read-only": ("--read-only", "--tmpfs", "/run:size=1m,mode=700"),
    "limits": ("--ulimit", "nofile=100:200", "--shm-size", "1m", "--oom-score-adj", "7"),
    "interactive": ("-i",),
    "terminal": ("-t",),
    "names": ("-h", "there", "--domainname", "example.org", "--add-host", "a:10.1.2.3"),
    "sysctl": ("--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "kernel.shmmax=123456"),
    "network-none": ("--network", "none"),
    "network-host": ("--network", "host"),
    "pid-host": ("--pid", "host"),
    "ipc-host": ("--ipc", "host"),
    "uts-host": ("--uts", "host"),
    "init": ("--init",),
    "device": ("--device", "/dev/null:/dev/extra:r"),
    "volumes": ("-v", "/etc:/host:ro", "-v", "probe:/data", "--tmpfs", "/t"),
    "workdir": ("-w", "/made/here", "-e", "A=b c", "-e", "EMPTY="),
}

# Where we are stricter than this Docker, and why; each line is a fact of newer engines or of ours.
STRICTER = {
    "masked": (
        "/proc/interrupts",  # masked from Docker 28 on
        "/sys/devices/virtual/powercap",  # likewise
        "/proc/scsi",
        "/proc/latency_stats",
        "/proc/asound",
    ),
    "mounts": (
        "/proc/interrupts",
        "/sys/devices/virtual/powercap",
        "/proc/scsi",
        "thermal_throttle",
    ),
}


def sections(text: str) -> dict[str, list[str]]:
    """The probe's output by section, with what differs between any two containers left out."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.replace("\r", "").splitlines():
        if line.startswith("== "):
            lines = found.setdefault(line[3:], [])
        else:
            lines.append(line)
    assert "end" in found, text
    found["mounts"] = sorted(_mounts(found["mounts"]))
    for name, lines in found.items():
        found[name] = [
            re.sub(r"\b[0-9a-f]{12}\b", "ID", line)
            for line in lines
            if not any(part in line for part in STRICTER.get(name, ()))
        ]
    return found


def _mounts(lines: list[str]) -> Iterator[str]:
    for line in lines:
        words = line.split()
        dash = words.index("-")
        point, options, kind, data = words[4], words[5], words[dash + 1], words[dash + 3]
        if kind == "overlay":
            data = data.split(",", 1)[0]
        inside = words[3] if kind in ("proc", "tmpfs", "devpts") and point != "/dev/shm" else ""
        yield " ".join((point, options, kind, re.sub(r",?inode\d+", "", data), inside))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_container_sees_what_dockers_sees(
    options: tuple[str, ...], wherry: Wherry, dockerd: Dockerd
) -> None:
    words = ("run", "--rm", *options, "busybox", "sh", "-c", PROBE)

    ours = sections(wherry(*words).stdout)
    theirs = sections(dockerd.docker(*words).stdout)

    differences = {
        name: {"ours": _only(ours[name], theirs[name]), "docker's": _only(theirs[name], ours[name])}
        for name in theirs
        if ours.get(name) != theirs[name]
    }
    assert differences == {}


@pytest.mark.parametrize("options", [(), ("-u", "1000"), ("-i",), ("-e", "A=b"), ("-w", "/tmp")])
def test_an_exec_sees_what_dockers_sees(
    options: tuple[str, ...], wherry: Wherry, dockerd: Dockerd
) -> None:
    start = ("run", "-d", "--name", "probed", "busybox", "sleep", "100")
    words = ("exec", *options, "probed", "sh", "-c", PROBE)

    wherry(*start)
    ours = sections(wherry(*words).stdout)
    dockerd.docker(*start)
    theirs = sections(dockerd.docker(*words).stdout)
    dockerd.docker("rm", "-f", "probed")

    assert ours == theirs


def _only(these: list[str], others: list[str]) -> list[str]:
    return [line for line in these if line not in others] or these
