"""What every manager of cgroups does, tried on those that this machine can have.

On a hybrid machine both are tried: v2 there has hardly a controller, but kills, freezes and
filters devices like any. Limits are in the files for v1 and v2 beside this one.
"""

import errno
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from wherry.linux.cgroup.device_table import DeviceTable
from wherry.linux.cgroup.hierarchies import UNIFIED, Hierarchies, hierarchies
from wherry.linux.cgroup.limits import CPULimits, DeviceRule, Limits, MemoryLimits
from wherry.linux.cgroup.manager import CgroupManager, list_orphans, open_manager
from wherry.runtime.resources import DEFAULT_DEVICES
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("root")
PARENT = f"/wherry-test-{os.getpid()}"


def _found(version: int) -> Hierarchies:
    found = hierarchies()
    if found.version == version:
        return found
    if version == 2 and UNIFIED in found.mounts:
        return Hierarchies(version=2, mounts={UNIFIED: found.mounts[UNIFIED]})
    pytest.skip(f"cgroup v{version} is not mounted")


@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def manager(request: pytest.FixtureRequest) -> Iterator[CgroupManager]:
    manager = open_manager(f"{PARENT}/{uuid.uuid4().hex}", _found(request.param))
    manager.create()
    yield manager
    manager.signal_all(signal.SIGKILL)
    assert manager.wait_until_empty(10)
    manager.delete()
    open_manager(PARENT, _found(request.param)).delete()


def nested(manager: CgroupManager, name: str) -> CgroupManager:
    child = open_manager(f"{manager.path}/{name}", _found(manager.version))
    child.create()
    return child


def needs_controller(manager: CgroupManager, name: str) -> None:
    if manager.version == 1 and name not in manager.paths:
        pytest.skip(f"no {name} controller is mounted")
    if manager.version == 2:
        available = (manager.paths[UNIFIED] / "cgroup.controllers").read_text().split()
        if name not in available:
            pytest.skip(f"v2 has no {name} controller here")


@contextmanager
def resident(
    manager: CgroupManager, script: str = "exec sleep 1000", *, beside: int | None = None
) -> Iterator[int]:
    """A shell inside the cgroup that runs `script` once it is there."""
    process = subprocess.Popen(
        ["sh", "-c", f"read -r _; {script}"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        manager.add(process.pid, beside=beside)
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
        yield process.pid
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.kill()
        process.wait()


def within(manager: CgroupManager, action: Callable[[], Any]) -> Any:
    """What `action` returns in a process inside the cgroup."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            manager.add(os.getpid())
            os.write(writer, json.dumps(action()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text)


def test_a_cgroup_is_made_and_removed(manager: CgroupManager) -> None:
    assert manager.exists
    assert all(path.is_dir() for path in manager.paths.values())
    manager.create()  # once more changes nothing

    manager.delete()

    assert not any(path.exists() for path in manager.paths.values())
    manager.delete()  # nor does this


def test_a_process_is_in_the_cgroup_of_every_hierarchy(manager: CgroupManager) -> None:
    with resident(manager) as pid:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()

        assert manager.processes() == [pid]
        places = {
            key: line.split(":", 2)[2] for line in lines for key in line.split(":")[1].split(",")
        }
        assert {places[key] for key in manager.paths} == {manager.path}


def test_processes_of_child_cgroups_count(manager: CgroupManager) -> None:
    one, two = nested(manager, "one"), nested(manager, "two/deep")

    with resident(one) as first, resident(two) as second:
        assert sorted(manager.processes()) == sorted([first, second])
        assert one.processes() == [first]


def test_who_joins_late_goes_where_init_went(manager: CgroupManager) -> None:
    with resident(manager) as init:
        child = nested(manager, "init")
        child.add(init)
        if manager.version == 2:
            enable = manager.paths[UNIFIED] / "cgroup.subtree_control"
            available = (manager.paths[UNIFIED] / "cgroup.controllers").read_text().split()
            enable.write_text(f"+{available[0]}")

        with resident(manager, beside=init) as late:
            assert sorted(manager.processes()) == sorted([init, late])
            if manager.version == 2:
                assert sorted(child.processes()) == sorted([init, late])


def test_what_cannot_be_removed_is_reported(manager: CgroupManager) -> None:
    child = nested(manager, "nested")

    with resident(child) as pid:
        with pytest.raises(OSError, match="nested") as failure:
            manager.delete()
        assert failure.value.errno == errno.EBUSY
        assert child.processes() == [pid]

    assert manager.wait_until_empty(10)
    manager.delete()
    assert not manager.exists


def test_cgroups_nested_deeper_than_any_stack_are_removed(manager: CgroupManager) -> None:
    place = str(next(iter(manager.paths.values())))
    for _ in range(sys.getrecursionlimit() + 50):
        place += "/a"
        os.mkdir(place)

    assert manager.processes() == []
    manager.delete()

    assert not manager.exists


def test_a_frozen_process_stands_still_until_thawed(manager: CgroupManager) -> None:
    script = "while :; do :; done"
    with resident(manager, script) as pid:
        eventually(lambda: _ticks(pid) > 0)

        manager.freeze()

        assert is_frozen(manager)
        before = _ticks(pid)
        assert manager.stats().version == manager.version  # the kernel still answers
        assert _ticks(pid) == before
        manager.thaw()
        assert not is_frozen(manager)
        eventually(lambda: _ticks(pid) > before)


def is_frozen(manager: CgroupManager) -> bool:
    return manager.frozen


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_signal_reaches_every_process(manager: CgroupManager, tmp_path: Path) -> None:
    trap = f"trap 'echo $$ >> {tmp_path}/got; exit' USR1"
    script = f"{trap}; echo >> {tmp_path}/up; while :; do sleep 0.01; done"
    with resident(manager, script) as one, resident(manager, script) as two:
        eventually(lambda: _lines(tmp_path / "up") == 2)

        manager.signal_all(signal.SIGUSR1)

        eventually(lambda: _lines(tmp_path / "got") == 2)
        assert {int(line) for line in (tmp_path / "got").read_text().split()} == {one, two}


def _lines(path: Path) -> int:
    return path.read_text().count("\n") if path.exists() else 0


def test_frozen_and_nested_processes_are_killed(manager: CgroupManager) -> None:
    one, two = nested(manager, "one"), nested(manager, "two")
    with resident(one, "sleep 1000 & sleep 1000 & wait"), resident(two):
        eventually(lambda: len(manager.processes()) == 4)
        manager.freeze()

        manager.signal_all(signal.SIGKILL)

        assert manager.wait_until_empty(10)
        assert manager.processes() == []


BOMB = f"""exec {sys.executable} -S -c '
import os
while True:
    try:
        os.fork()
    except OSError:
        pass'"""


def test_a_fork_bomb_is_killed(manager: CgroupManager) -> None:
    needs_controller(manager, "pids")
    manager.apply(Limits(pids=50))
    with resident(manager, BOMB):
        eventually(lambda: len(manager.processes()) > 20, seconds=30)

        manager.signal_all(signal.SIGKILL)

        assert manager.wait_until_empty(10)


def test_an_empty_cgroup_is_empty_at_once_and_a_full_one_is_not(manager: CgroupManager) -> None:
    assert manager.wait_until_empty(0)
    with resident(manager):
        assert not manager.wait_until_empty(0.01)


def test_orphans_are_those_without_a_live_name(manager: CgroupManager) -> None:
    name = manager.path.rpartition("/")[2]

    assert list_orphans(PARENT, []) == [manager.path]
    assert list_orphans(PARENT, [name, "another"]) == []
    assert list_orphans(f"{PARENT}-missing", []) == []


def test_no_more_processes_than_allowed(manager: CgroupManager) -> None:
    needs_controller(manager, "pids")
    manager.apply(Limits(pids=3))

    assert within(manager, lambda: _forks(5)) == [True, True, errno.EAGAIN]
    assert manager.stats().pids.limit == 3
    manager.apply(Limits(pids=-1))
    assert within(manager, lambda: _forks(5)) == [True] * 5
    assert manager.stats().pids.limit is None


def _forks(count: int) -> list[bool | int]:
    children: list[int] = []
    results: list[bool | int] = []
    for _ in range(count):
        try:
            child = os.fork()
        except OSError as error:
            results.append(error.errno or 0)
            break
        if child == 0:
            signal.pause()
        children.append(child)
        results.append(True)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return results


EATER = f"exec {sys.executable} -S -c 'x = bytearray(200 << 20)'"


def test_an_out_of_memory_kill_is_seen(manager: CgroupManager) -> None:
    needs_controller(manager, "memory")
    # On v1 some kernels do not count at a limit of memory and swap together, so there is room.
    swap = 64 if manager.version == 1 else 32
    manager.apply(Limits(memory=MemoryLimits(limit=32 << 20, swap=swap << 20)))

    with manager.watch_oom() as watch:
        assert not watch.acknowledge()
        with resident(manager, EATER) as pid:
            _, status = os.waitpid(pid, 0)
            assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        eventually(watch.acknowledge)
        assert not watch.acknowledge()
    assert manager.oom_kill_count() == 1
    assert manager.stats().memory.max_usage > 16 << 20
    assert manager.stats().memory.failures > 0


def test_memory_limits_go_up_and_down(manager: CgroupManager) -> None:
    needs_controller(manager, "memory")
    for limit, swap in ((64, 128), (256, 512), (32, 48), (300, -1), (40, 40), (-1, None)):
        size = None if swap is None else swap << 20 if swap > 0 else swap
        limits = MemoryLimits(limit=limit << 20 if limit > 0 else limit, swap=size)

        manager.apply(Limits(memory=limits))

        present = manager.stats().memory.limit
        if limit > 0:
            assert present == limit << 20
        else:
            assert present is None or present > 1 << 60


def test_a_quota_throttles(manager: CgroupManager) -> None:
    needs_controller(manager, "cpu")
    manager.apply(Limits(cpu=CPULimits(quota=5000, period=50000)))

    with resident(manager, "while :; do :; done"):
        eventually(lambda: manager.stats().cpu.throttled_periods > 2)
        assert manager.stats().cpu.throttled_time > 0
        assert manager.stats().cpu.total > 0


def test_a_process_runs_on_the_allowed_processors(manager: CgroupManager) -> None:
    needs_controller(manager, "cpuset")
    last = max(os.sched_getaffinity(0))

    manager.apply(Limits(cpu=CPULimits(cpus=str(last), mems="0")))

    assert within(manager, lambda: sorted(os.sched_getaffinity(0))) == [last]


def test_a_value_that_the_kernel_refuses_is_named(manager: CgroupManager) -> None:
    needs_controller(manager, "cpuset")
    with pytest.raises(OSError, match=r"cpuset\.cpus") as failure:
        manager.apply(Limits(cpu=CPULimits(cpus="4000")))

    assert failure.value.filename.endswith("/cpuset.cpus")


DEVICES = [("c", 1, 3), ("c", 1, 5), ("c", 10, 200), ("c", 5, 1), ("b", 7, 200)]
TABLES = {
    "docker": (DeviceRule(allow=False), *DEFAULT_DEVICES),
    "nothing": (DeviceRule(allow=False),),
    "everything": (DeviceRule(allow=True),),
    "read only": (DeviceRule(allow=True, type="c", major=1, minor=5, access="r"),),
    "all but": (DeviceRule(allow=True), DeviceRule(allow=False, type="c", major=1, minor=3)),
    "all but writing": (DeviceRule(allow=True), DeviceRule(allow=False, type="c", access="w")),
    "in part": (
        DeviceRule(allow=True, type="c", major=1),
        DeviceRule(allow=False, type="c", access="wm"),
    ),
}


@pytest.fixture
def nodes() -> Iterator[Path]:
    """A folder with the nodes of `DEVICES`; /tmp may be mounted nodev."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        if os.statvfs(name).f_flag & os.ST_NODEV:
            pytest.skip("/var/tmp is mounted nodev")
        for kind, major, minor in DEVICES:
            _make_node(Path(name, f"{kind}{major}-{minor}"), kind, major, minor)
        yield Path(name)


@pytest.mark.parametrize("table", TABLES)
def test_devices_are_filtered_as_the_table_says(
    manager: CgroupManager, table: str, nodes: Path
) -> None:
    _needs_filter(manager)
    expected = DeviceTable.of(TABLES[table])

    manager.apply(Limits(devices=TABLES[table]))

    decisions = within(manager, lambda: _try_devices(nodes))
    for (kind, major, minor), access in itertools.product(DEVICES, ("r", "w", "rw", "m")):
        name = f"{kind}{major}:{minor} {access}"
        assert decisions[name] == expected.permits(kind, major, minor, access), name


def test_a_filter_can_be_exchanged(manager: CgroupManager, nodes: Path) -> None:
    _needs_filter(manager)
    for rules in (TABLES["docker"], TABLES["everything"], TABLES["nothing"], TABLES["docker"]):
        manager.apply(Limits(devices=rules))

    manager.apply(Limits(pids=-1) if manager.version == 1 else Limits())  # no rules: none change

    decisions = within(manager, lambda: _try_devices(nodes))
    assert decisions["c1:3 rw"]
    assert not decisions["c10:200 r"]


def _needs_filter(manager: CgroupManager) -> None:
    if manager.version == 1:
        needs_controller(manager, "devices")


def _make_node(path: Path, kind: str, major: int, minor: int) -> None:
    form = {"c": 0o020600, "b": 0o060600}[kind]
    try:
        os.mknod(path, form, os.makedev(major, minor))
    except PermissionError:
        pytest.skip("this machine's own filter keeps device nodes from being made")


def _try_devices(folder: Path) -> dict[str, bool]:
    """For each device and access, whether the filter lets it through; other failures are later."""
    found: dict[str, bool] = {}
    for kind, major, minor in DEVICES:
        node = folder / f"{kind}{major}-{minor}"
        for access, flags in (("r", os.O_RDONLY), ("w", os.O_WRONLY), ("rw", os.O_RDWR)):
            found[f"{kind}{major}:{minor} {access}"] = _passes(partial(_open, node, flags))
        made = folder / f"made-{kind}{major}-{minor}"
        form = {"c": 0o020600, "b": 0o060600}[kind]
        number = os.makedev(major, minor)
        found[f"{kind}{major}:{minor} m"] = _passes(partial(os.mknod, made, form, number))
    return found


def _open(path: Path, flags: int) -> None:
    os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY))


def _passes(action: Callable[[], None]) -> bool:
    try:
        action()
    except OSError as error:
        return error.errno != errno.EPERM
    return True
