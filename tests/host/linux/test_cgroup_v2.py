"""What is particular to cgroup v2; `scripts/test-cgroup2` runs this on a machine that has it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.linux.blockdev import block_device_number
from wherry.linux.cgroup.limits import (
    BlockIOLimits,
    CPULimits,
    DeviceRate,
    Limits,
    MemoryLimits,
)
from wherry.linux.cgroup.manager import CgroupManager, open_manager

pytestmark = pytest.mark.needs("root", "cgroup2")
PARENT = f"/wherry-test2-{os.getpid()}"
ROOT = Path("/sys/fs/cgroup")


@pytest.fixture
def manager() -> Iterator[CgroupManager]:
    manager = open_manager(f"{PARENT}/deep/container")
    manager.create()
    yield manager
    whole = open_manager(PARENT)
    whole.signal_all(signal.SIGKILL)
    assert whole.wait_until_empty(10)
    whole.delete()


def text(manager: CgroupManager, name: str) -> str:
    return (manager.paths[""] / name).read_text().strip()


def test_every_controller_reaches_the_container(manager: CgroupManager) -> None:
    available = (ROOT / "cgroup.controllers").read_text().split()

    assert text(manager, "cgroup.controllers").split() == available
    assert text(manager, "cgroup.subtree_control") == ""


def test_memory_files(manager: CgroupManager) -> None:
    manager.apply(Limits(memory=MemoryLimits(limit=64 << 20, swap=96 << 20, reservation=32 << 20)))

    assert text(manager, "memory.max") == str(64 << 20)
    assert text(manager, "memory.low") == str(32 << 20)
    if (manager.paths[""] / "memory.swap.max").exists():
        assert text(manager, "memory.swap.max") == str(32 << 20)


def test_cpu_files_and_an_update(manager: CgroupManager) -> None:
    manager.apply(Limits(cpu=CPULimits(shares=512, quota=50000, period=100000, burst=10000)))
    assert text(manager, "cpu.weight") == "20"
    assert text(manager, "cpu.max") == "50000 100000"
    assert text(manager, "cpu.max.burst") == "10000"

    manager.apply(Limits(cpu=CPULimits(quota=20000)))

    assert text(manager, "cpu.weight") == "20"
    assert text(manager, "cpu.max") == "20000 100000"


def test_a_block_device_is_throttled(manager: CgroupManager) -> None:
    disks = [path for name in ("vd?", "sd?", "ubda") for path in Path("/dev").glob(name)]
    if not disks:
        pytest.skip("no disk at hand")
    major, minor = block_device_number(disks[0])

    def limit(**rates: int) -> None:
        limits = {
            name: (DeviceRate(major=major, minor=minor, rate=rate),) for name, rate in rates.items()
        }
        manager.apply(Limits(block_io=BlockIOLimits(**limits)))  # type: ignore[arg-type]

    limit(read_bytes=1 << 20, write_operations=50)
    assert text(manager, "io.max") == f"{major}:{minor} rbps=1048576 wbps=max riops=max wiops=50"

    limit(read_bytes=0)
    assert text(manager, "io.max") == f"{major}:{minor} rbps=max wbps=max riops=max wiops=50"


def test_what_v2_alone_has_can_be_set(manager: CgroupManager) -> None:
    manager.apply(Limits(unified=(("memory.high", "33554432"), ("memory.oom.group", "1"))))

    assert text(manager, "memory.high") == "33554432"
    assert text(manager, "memory.oom.group") == "1"


def test_an_unknown_controller_is_named(manager: CgroupManager) -> None:
    with pytest.raises(OSError, match='controller "hugetlbx" not available'):
        manager.apply(Limits(unified=(("hugetlbx.2MB.max", "1"),)))


def test_a_parent_with_processes_hands_down_nothing(manager: CgroupManager) -> None:
    process = subprocess.Popen(["sleep", "1000"])
    try:
        manager.add(process.pid)
        child = open_manager(f"{manager.path}/child")

        child.create()

        assert text(child, "cgroup.type") == "domain"
        with pytest.raises(OSError, match='controller "pids" not available'):
            child.apply(Limits(pids=5))
        child.add(process.pid)
        assert child.processes() == [process.pid]
    finally:
        process.kill()
        process.wait()


def test_below_a_threaded_cgroup_a_new_one_is_threaded(manager: CgroupManager) -> None:
    threaded = open_manager(f"{manager.path}/threaded")
    threaded.create()
    # Only controllers that know threads may be handed to a threaded cgroup.
    handed = text(manager, "cgroup.subtree_control").split()
    domain = [f"-{name}" for name in handed if name not in ("cpu", "cpuset", "pids")]
    (manager.paths[""] / "cgroup.subtree_control").write_text(" ".join(domain))
    (threaded.paths[""] / "cgroup.type").write_text("threaded")
    child = open_manager(f"{threaded.path}/child")

    child.create()

    assert text(child, "cgroup.type") == "threaded"
    child.apply(Limits(pids=5))
    process = subprocess.Popen(["sleep", "1000"])
    try:
        manager.add(process.pid)  # a process enters the domain; its threads may then spread
        (child.paths[""] / "cgroup.threads").write_text(str(process.pid))
        assert manager.processes() == [process.pid]
    finally:
        process.kill()
        process.wait()


def test_a_slice_is_where_systemd_has_it() -> None:
    manager = open_manager(f"machine-web.slice:wherry:{os.getpid()}")

    assert str(manager.paths[""]) == (
        f"/sys/fs/cgroup/machine.slice/machine-web.slice/wherry-{os.getpid()}.scope"
    )
