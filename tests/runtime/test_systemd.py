"""--systemd-cgroup: a container in a scope that systemd has made, and the refusal without it."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.linux.systemd import has_systemd
from wherry.testing.runtime_command import busybox_root, write_runtime_command
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("root", "containers")
ID = f"test{os.getpid()}"
SLICE = "wherrytest-inner.slice"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a bundle, where devices can be opened, which not every /tmp allows."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)


@pytest.fixture
def runtime(folder: Path) -> list[str]:
    busybox_root(folder / "rootfs")
    return [str(write_runtime_command(folder)), "--root", str(folder / "state")]


def write_bundle(folder: Path, cgroup: str, **more: object) -> None:
    limits = {"memory": {"limit": 64 << 20}, "pids": {"limit": 77}, "cpu": {"quota": 50_000}}
    config = {
        "ociVersion": "1.0.2",
        "process": {"args": ["/bin/sleep", "1000"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
        "root": {"path": "rootfs"},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {
            "cgroupsPath": cgroup,
            "namespaces": [{"type": "pid"}, {"type": "mount"}],
            "resources": limits,
        },
        **more,
    }
    (folder / "config.json").write_text(json.dumps(config))


def call(words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    errors = folder / "errors"
    with errors.open("w") as file:  # no pipes: the container would hold them open
        result = subprocess.run(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False
        )
    return subprocess.CompletedProcess(words, result.returncode, "", errors.read_text())


def shown(unit: str, name: str) -> str:
    return subprocess.run(
        ["systemctl", "show", "-P", name, unit], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.needs("systemd")
def test_a_scope_holds_the_container_with_its_limits(runtime: list[str], folder: Path) -> None:
    write_bundle(folder, f"{SLICE}:box:{ID}")
    unit = f"box-{ID}.scope"

    result = call([*runtime, "--systemd-cgroup", "run", "-d", ID], folder)
    try:
        assert (result.returncode, result.stderr) == (0, "")
        path = f"/wherrytest.slice/{SLICE}/{unit}"
        assert shown(unit, "ControlGroup") == path
        assert (shown(unit, "Slice"), shown(unit, "Delegate")) == (SLICE, "yes")
        assert (shown(unit, "MemoryMax"), shown(unit, "TasksMax")) == (str(64 << 20), "77")
        assert shown(unit, "CPUQuotaPerSecUSec") == "500ms"
        state = subprocess.run([*runtime, "state", ID], capture_output=True, check=True).stdout
        pid = json.loads(state)["pid"]
        assert path in Path(f"/proc/{pid}/cgroup").read_text()
        assert call([*runtime, "--systemd-cgroup", "exec", ID, "/bin/true"], folder).stderr == ""
    finally:
        call([*runtime, "--systemd-cgroup", "delete", "-f", ID], folder)
    eventually(lambda: shown(unit, "LoadState") == "not-found", what="the scope gone")


@pytest.mark.needs("systemd", "cgroup2")
def test_an_update_reaches_the_scope_and_outlives_a_reload(
    runtime: list[str], folder: Path
) -> None:
    write_bundle(folder, f"{SLICE}:box:{ID}")
    unit = f"box-{ID}.scope"
    call([*runtime, "--systemd-cgroup", "run", "-d", ID], folder)
    try:
        words = [
            "--memory",
            "48m",
            "--memory-reservation",
            "16m",
            "--memory-swap",
            "64m",
            "--pids-limit",
            "55",
        ]
        words += ["--cpu-quota", "20000", "--cpu-share", "512", "--cpuset-cpus", "0"]
        assert call([*runtime, "update", *words, ID], folder).stderr == ""
        subprocess.run(["systemctl", "daemon-reload"], check=True)

        names = ("MemoryMax", "MemoryLow", "MemorySwapMax", "TasksMax", "CPUQuotaPerSecUSec")
        told = [shown(unit, name) for name in (*names, "CPUWeight", "AllowedCPUs")]
        assert told == [*(str(size << 20) for size in (48, 16, 16)), "55", "200ms", "20", "0"]
        place = Path(f"/sys/fs/cgroup{shown(unit, 'ControlGroup')}")
        files = ("memory.max", "pids.max", "cpu.max", "cpu.weight", "cpuset.cpus")
        found = [(place / name).read_text().strip() for name in files]
        assert found == [str(48 << 20), "55", "20000 100000", "20", "0"]

        assert call([*runtime, "update", "--cpu-quota", "-1", ID], folder).stderr == ""
        assert shown(unit, "CPUQuotaPerSecUSec") == "infinity"
    finally:
        call([*runtime, "delete", "-f", ID], folder)


@pytest.mark.needs("systemd")
def test_annotations_are_properties_of_the_scope(runtime: list[str], folder: Path) -> None:
    prefix = "org.systemd.property."
    annotations = {f"{prefix}TimeoutStopSec": "7", f"{prefix}CollectMode": "'inactive-or-failed'"}
    write_bundle(folder, f"{SLICE}:box:{ID}", annotations=annotations)
    unit = f"box-{ID}.scope"
    assert call([*runtime, "--systemd-cgroup", "run", "-d", ID], folder).stderr == ""
    try:
        assert (shown(unit, "TimeoutStopUSec"), shown(unit, "CollectMode")) == (
            "7s",
            "inactive-or-failed",
        )
    finally:
        call([*runtime, "delete", "-f", ID], folder)


@pytest.mark.needs("systemd")
def test_a_scope_that_is_there_is_not_taken_over(runtime: list[str], folder: Path) -> None:
    write_bundle(folder, f"{SLICE}:box:{ID}")
    call([*runtime, "--systemd-cgroup", "run", "-d", ID], folder)
    try:
        result = call([*runtime, "--systemd-cgroup", "run", "-d", f"{ID}b"], folder)

        assert result.returncode == 1
        assert f"box-{ID}.scope" in result.stderr
        state = subprocess.run([*runtime, "state", ID], capture_output=True, check=True).stdout
        assert json.loads(state)["status"] == "running"
    finally:
        call([*runtime, "delete", "-f", ID], folder)


@pytest.mark.skipif(has_systemd(), reason="systemd is this machine's init")
def test_without_systemd_it_is_refused(runtime: list[str], folder: Path) -> None:
    write_bundle(folder, f"{SLICE}:box:{ID}")

    result = call([*runtime, "--systemd-cgroup", "create", ID], folder)

    assert result.returncode == 1
    assert result.stderr.startswith("--systemd-cgroup needs systemd as the init of this machine")
