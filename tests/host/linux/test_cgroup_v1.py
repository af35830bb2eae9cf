"""What is particular to cgroup v1, and to v1 beside v2."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wherry.linux.blockdev import block_device_number
from wherry.linux.cgroup.hierarchies import hierarchies
from wherry.linux.cgroup.limits import (
    BlockIOLimits,
    CPULimits,
    DeviceRate,
    Limits,
    MemoryLimits,
)
from wherry.linux.cgroup.manager import CgroupManager, open_manager

pytestmark = pytest.mark.needs("root", "cgroup1")
PARENT = f"/wherry-test1-{os.getpid()}"


@pytest.fixture
def manager() -> Iterator[CgroupManager]:
    manager = open_manager(f"{PARENT}/container")
    manager.create()
    yield manager
    manager.signal_all(signal.SIGKILL)
    assert manager.wait_until_empty(10)
    manager.delete()
    open_manager(PARENT).delete()


@pytest.fixture
def file_of(manager: CgroupManager) -> Callable[[str, str], str]:
    def read(controller: str, name: str) -> str:
        if controller not in manager.paths:
            pytest.skip(f"no {controller} controller is mounted")
        return (manager.paths[controller] / name).read_text().strip()

    return read


FileOf = Callable[[str, str], str]


def test_a_new_cpuset_has_what_its_parent_has(file_of: FileOf) -> None:
    root = Path(hierarchies().mounts["cpuset"])

    assert file_of("cpuset", "cpuset.cpus") == (root / "cpuset.cpus").read_text().strip()
    assert file_of("cpuset", "cpuset.mems") == (root / "cpuset.mems").read_text().strip()


def test_memory_files(manager: CgroupManager, file_of: FileOf) -> None:
    manager.apply(Limits(memory=MemoryLimits(limit=64 << 20, swap=96 << 20, reservation=32 << 20)))
    manager.apply(Limits(memory=MemoryLimits(swappiness=10, disable_oom_killer=True)))

    assert file_of("memory", "memory.limit_in_bytes") == str(64 << 20)
    assert file_of("memory", "memory.memsw.limit_in_bytes") == str(96 << 20)
    assert file_of("memory", "memory.soft_limit_in_bytes") == str(32 << 20)
    assert file_of("memory", "memory.swappiness") == "10"
    assert "oom_kill_disable 1" in file_of("memory", "memory.oom_control")


def test_an_update_leaves_what_it_does_not_name(manager: CgroupManager, file_of: FileOf) -> None:
    manager.apply(Limits(cpu=CPULimits(shares=512, quota=50000, period=100000, burst=10000)))

    manager.apply(Limits(cpu=CPULimits(quota=20000, period=40000)))

    assert file_of("cpu", "cpu.shares") == "512"
    assert file_of("cpu", "cpu.cfs_quota_us") == "20000"
    assert file_of("cpu", "cpu.cfs_period_us") == "40000"
    assert file_of("cpu", "cpu.cfs_burst_us") == "10000"


def test_a_block_device_is_throttled(manager: CgroupManager, file_of: FileOf) -> None:
    disks = sorted(Path("/dev").glob("vd?")) + sorted(Path("/dev").glob("sd?"))
    if not disks:
        pytest.skip("no disk at hand")
    major, minor = block_device_number(disks[0])
    rate = DeviceRate(major=major, minor=minor, rate=1 << 20)

    manager.apply(Limits(block_io=BlockIOLimits(read_bytes=(rate,), write_operations=(rate,))))

    line = f"{major}:{minor} {1 << 20}"
    assert file_of("blkio", "blkio.throttle.read_bps_device") == line
    assert file_of("blkio", "blkio.throttle.write_iops_device") == line


def test_the_weight_of_block_devices_goes_where_the_kernel_has_it(
    manager: CgroupManager,
) -> None:
    files = [
        path
        for name in ("blkio.weight", "blkio.bfq.weight")
        if (path := manager.paths["blkio"] / name).exists()
    ]
    if not files:
        pytest.skip("the kernel schedules no block device by weight")

    manager.apply(Limits(block_io=BlockIOLimits(weight=300)))

    assert files[0].read_text().split()[-1] == "300"


def test_a_limit_without_its_controller_is_refused(manager: CgroupManager) -> None:
    if "net_cls" in manager.paths:
        pytest.skip("this machine has net_cls")
    with pytest.raises(OSError, match="cannot set net_cls limit"):
        manager.apply(Limits(network_class=5))


def test_a_relative_path_is_below_the_own_cgroup() -> None:
    manager = open_manager(f"relative-{os.getpid()}")
    own = hierarchies().own

    for key, path in manager.paths.items():
        assert str(path).startswith(hierarchies().mounts[key])
        if key:
            assert str(path.parent) == (hierarchies().mounts[key] + own[key]).rstrip("/")


def test_only_a_block_device_has_a_number(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Block device required") as failure:
        block_device_number(tmp_path)
    assert failure.value.filename == str(tmp_path)


def test_a_watch_wakes_when_its_cgroup_goes(manager: CgroupManager) -> None:
    watch = manager.watch_oom()
    manager.delete()

    assert not watch.acknowledge()
    watch.close()
    watch.close()  # once more is no error


def test_killing_reaches_a_process_that_left_the_v2_tree(manager: CgroupManager) -> None:
    if "" not in manager.paths:
        pytest.skip("no v2 tree is mounted")
    process = subprocess.Popen(["sleep", "1000"])
    manager.add(process.pid)
    root = Path(hierarchies().mounts[""])
    (root / "cgroup.procs").write_text(str(process.pid))

    manager.signal_all(signal.SIGKILL)

    assert process.wait(timeout=10) == -signal.SIGKILL
