"""What a container sees of its confinement, beside one of Docker's with the same options.

Equal, or in the list: DIFFERENCES has every one with its reason, as docs/explanation/confinement.md
tells them, and a test fails for one that is not there as for one that no longer is.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd

pytestmark = pytest.mark.needs("containers", "dockerd", "docker")

DATA = Path(__file__).parent.parent / "data"
PROBE = (DATA / "confinement.sh").read_text()
# The host's Python for the second probe; a busybox root has none of these folders.
WITH_PYTHON = (
    *("-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro"),
    *("-v", f"{DATA}:/probes:ro"),
)
RUN_PROBE = ("/usr/bin/python3", "-I", "/probes/confinement.py")

OPTIONS = {
    "default": (),
    "user": ("-u", "1000:1000"),
    "unknown-user-number": ("-u", "4711"),
    "groups": ("-u", "1000", "--group-add", "7", "--group-add", "root"),
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
    "cgroupns-private": ("--cgroupns", "private"),
    "init": ("--init",),
    "device": ("--device", "/dev/null:/dev/extra:r"),
    "volumes": ("-v", "/etc:/host:ro", "-v", "probe:/data", "--tmpfs", "/t"),
    "workdir": ("-w", "/made/here", "-e", "A=b c", "-e", "EMPTY="),
}

# Lines that only one side has: a pattern, and the reason. docs/explanation/confinement.md tells the
# same in sentences.
_28 = "as Docker from 28 on"
DIFFERENCES = {
    r"masked: .*(/proc/interrupts|/devices/virtual/powercap) .*": f"masked, {_28}",
    r"masked: .*(/proc/scsi|/proc/asound|/proc/latency_stats) .*": f"masked, {_28}",
    r"mounts: (/proc/interrupts|/sys/devices/virtual/powercap|/proc/scsi) .*": f"masked, {_28}",
    r"mounts: .*/thermal_throttle .*": f"masked, {_28}",
    r"mounts: /sys/fs/cgroup r[ow],\S+ tmpfs .*": "read-only, as its mount asks; runc forgets",
    r"mounts: (/proc/acpi|/sys/firmware) ro,relatime tmpfs .*": "no room and no inodes either",
    r"files: (fe00::|ff00::).*": f"written without the zero, {_28}",
    r"links: (docker0|eth0|wherry.*|ifb\d+)": "the daemon of the test has a network of its own",
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
    return {
        name: [re.sub(r"\b[0-9a-f]{12}\b", "ID", line) for line in lines]
        for name, lines in found.items()
    }


def _mounts(lines: list[str]) -> Iterator[str]:
    for line in lines:
        words = line.split()
        dash = words.index("-")
        point, options, kind, data = words[4], words[5], words[dash + 1], words[dash + 3]
        if kind == "overlay":
            data = data.split(",", 1)[0]
        if kind == "sysfs":
            data = ""  # one filesystem for a whole network namespace: its flags are the first's
        inside = words[3] if kind in ("proc", "tmpfs", "devpts") and point != "/dev/shm" else ""
        yield " ".join((point, options, kind, re.sub(r",?inode\d+", "", data), inside))


def unexplained(ours: dict[str, list[str]], theirs: dict[str, list[str]]) -> list[str]:
    """Lines that only one side has and that are not among DIFFERENCES."""
    return [
        f"{name}: {line} ({'ours' if line in ours[name] else 'theirs'})"
        for name in theirs
        for line in sorted(set(ours[name]) ^ set(theirs[name]))
        if not any(re.fullmatch(pattern, f"{name}: {line}") for pattern in DIFFERENCES)
    ]


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_container_sees_what_dockers_sees(
    options: tuple[str, ...], wherry: Wherry, dockerd: Dockerd
) -> None:
    words = ("run", "--rm", *options, "busybox", "sh", "-c", PROBE)

    ours = sections(wherry(*words).stdout)
    theirs = sections(dockerd.docker(*words).stdout)

    if options == OPTIONS["network-host"]:
        # What the machine has besides is not there for the daemon, nor for us to guess.
        besides = {re.sub(r"[0-9a-f]{12}", "ID", name) for name in os.listdir("/sys/class/net")}
        besides.discard("lo")
        assert besides <= set(ours["links"])
        ours["links"] = [line for line in ours["links"] if line not in besides]
    assert unexplained(ours, theirs) == []


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

    assert unexplained(ours, theirs) == []


# System calls that the profile of Docker 28 treats otherwise than that of 20.10. Given nonsense
# as arguments, a call that may be made answers something else than EPERM.
NEWLY_ALLOWED = {
    303: "name_to_handle_at",
    310: "process_vm_readv, as ptrace on kernels where it cannot escape the filter",
    311: "process_vm_writev",
    329: "pkey_mprotect",
    330: "pkey_alloc",
    331: "pkey_free",
    451: "cachestat",
    452: "fchmodat2",
    454: "futex_wake",
    455: "futex_wait",
    456: "futex_requeue",
}
NEWLY_REFUSED = {425: "io_uring_setup", 426: "io_uring_enter", 427: "io_uring_register"}
OTHERWISE_REFUSED = {450: "set_mempolicy_home_node: known, so EPERM where ENOSYS was"}
STRICTER = {"calls socket 40", "devices c 10:200"}  # vsock; the tun device

PROBED = {
    "default": (),
    "user": ("-u", "1000"),
    "drop-all": ("--cap-drop", "ALL"),
    "add": ("--cap-add", "SYS_ADMIN"),
    "no-new-privileges": ("--security-opt", "no-new-privileges"),
    "seccomp-unconfined": ("--security-opt", "seccomp=unconfined"),
    "read-only": ("--read-only", "--tmpfs", "/tmp"),
    "pid-host": ("--pid", "host"),
}


def probed(text: str) -> dict[str, str]:
    """What the second probe answers, by question."""
    found = {}
    for line in text.replace("\r", "").splitlines():
        question, _, answer = line.rpartition(" ")
        found[question] = answer
    assert "keys session keyring" in found, text
    return found


def otherwise(ours: dict[str, str], theirs: dict[str, str]) -> dict[str, tuple[str, str]]:
    """What is answered otherwise and is not in the lists above, ours first."""
    found = {}
    for question in theirs:
        here, there = ours[question], theirs[question]
        call = int(question[6:]) if re.fullmatch(r"calls \d+", question) else -1
        if (
            here == there
            or (call in NEWLY_ALLOWED and here != "EPERM" and there in ("EPERM", "ENOSYS"))
            or (call in NEWLY_REFUSED and here == "EPERM")
            or (call in OTHERWISE_REFUSED and {here, there} <= {"EPERM", "ENOSYS", "EINVAL"})
            or (question in STRICTER and here == "EPERM")
        ):
            continue
        found[question] = (here, there)
    return found


@pytest.mark.parametrize("options", PROBED.values(), ids=PROBED)
def test_system_calls_devices_and_keys_are_refused_as_dockers_are(
    options: tuple[str, ...], wherry: Wherry, dockerd: Dockerd
) -> None:
    words = ("run", "--rm", *options, *WITH_PYTHON, "busybox", *RUN_PROBE)

    ours, theirs = probed(wherry(*words).stdout), probed(dockerd.docker(*words).stdout)

    assert otherwise(ours, theirs) == {}


def test_a_profile_of_ones_own(wherry: Wherry, dockerd: Dockerd, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text(
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["sysinfo", "chown"],'
        ' "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}'
    )
    words = ("run", "--rm", "--security-opt", f"seccomp={profile}", *WITH_PYTHON)

    ours = probed(wherry(*words, "busybox", *RUN_PROBE).stdout)
    theirs = probed(dockerd.docker(*words, "busybox", *RUN_PROBE).stdout)

    assert ours["calls 99"] == "ENOSYS"
    assert otherwise(ours, theirs) == {}


@pytest.mark.parametrize("options", [(), ("-u", "1000"), ("--privileged",)])
def test_an_exec_is_confined_as_dockers_is(
    options: tuple[str, ...], wherry: Wherry, dockerd: Dockerd
) -> None:
    start = ("run", "-d", "--name", "probed", *WITH_PYTHON, "busybox", "sleep", "100")
    words = ("exec", *options, "probed", *RUN_PROBE)
    wherry(*start)
    dockerd.docker(*start)

    ours = probed(wherry(*words).stdout)
    result = dockerd.docker(*words, check=False)
    dockerd.docker("rm", "-f", "probed")

    if result.returncode == 0:  # it asks for all capabilities, and this machine may not hold them
        assert otherwise(ours, probed(result.stdout)) == {}
    elif options == ("--privileged",):
        assert ours["calls 248"] == "EPERM"  # add_key: the container's filter is kept
    else:
        raise AssertionError(result.stderr)


def test_a_privileged_container_has_what_its_maker_has(wherry: Wherry) -> None:
    script = (
        "grep -E '^(CapBnd|CapEff|Seccomp:)' /proc/1/status; ls /dev | wc -l; mount -t tmpfs x /tmp"
    )
    own = re.findall(r"CapEff:\s+(\w+)", Path("/proc/self/status").read_text())[0]

    words = wherry("run", "--rm", "--privileged", "busybox", "sh", "-c", script).stdout.split()

    assert words[:6] == ["CapEff:", own, "CapBnd:", words[3], "Seccomp:", "0"]
    assert int(words[6]) > 20


def test_each_container_has_a_session_keyring_of_its_own(wherry: Wherry, tmp_path: Path) -> None:
    seen = ("--security-opt", "systempaths=unconfined", "--cidfile", str(tmp_path / "id"))

    result = wherry("run", "--rm", *seen, "busybox", "grep", "-o", " _ses[^:]*", "/proc/keys")

    # The kernel frees keyrings in its own time: that of the container before may still be listed.
    assert f"_ses.{(tmp_path / 'id').read_text()}" in result.stdout.split()
