"""What a container may use, from the flag to the kernel's answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from wherry.engine.containers.stats import container_stats
from wherry.engine.documents.stats import usage_of
from wherry.engine.engine import Engine
from wherry.linux.cgroup.manager import CgroupManager, open_manager
from wherry.testing.command import Wherry
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("containers")
FORKS = "for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; wait"


def inspected(wherry: Wherry, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(wherry("inspect", name).stdout)[0]
    return found


def cgroup_of(wherry: Wherry, name: str) -> CgroupManager:
    return open_manager(f"/wherry/{inspected(wherry, name)['Id']}")


def run_detached(wherry: Wherry, *words: str) -> None:
    wherry("run", "-d", "--network", "none", *words)


def test_memory_is_limited(wherry: Wherry) -> None:
    limits = ("-m", "64m", "--memory-reservation", "32m")
    run_detached(wherry, "--name", "web", *limits, "busybox", "sleep", "1000")

    stats = cgroup_of(wherry, "web").stats()

    assert stats.memory.limit == 64 << 20
    # Docker's default: as much swap again.
    assert stats.memory.swap_limit == (128 << 20 if stats.version == 1 else 64 << 20)


def test_the_smallest_limit_is_enough_to_start(wherry: Wherry) -> None:
    words = ("run", "--rm", "--network", "none", "-m", "6m", "busybox", "echo", "started")

    assert wherry(*words).stdout == "started\n"


def test_running_out_of_memory_is_137_and_noted(wherry: Wherry) -> None:
    words = ("--name", "eater", "--network", "none", "-m", "16m", "busybox", "tail", "/dev/zero")

    result = wherry("run", *words, check=False)

    assert result.returncode == 137
    state = inspected(wherry, "eater")["State"]
    assert (state["OOMKilled"], state["ExitCode"], state["Status"]) == (True, 137, "exited")


def test_a_kill_by_hand_is_not_one_for_memory(wherry: Wherry) -> None:
    run_detached(wherry, "--name", "web", "-m", "16m", "busybox", "sleep", "1000")

    wherry("kill", "web")

    eventually(lambda: inspected(wherry, "web")["State"]["Status"] == "exited")
    state = inspected(wherry, "web")["State"]
    assert (state["OOMKilled"], state["ExitCode"]) == (False, 137)


def test_no_more_processes_than_allowed(wherry: Wherry) -> None:
    words = ("--network", "none", "--pids-limit", "4", "busybox", "sh", "-c", FORKS)

    result = wherry("run", "--rm", *words, check=False)

    assert "can't fork: Resource temporarily unavailable" in result.stderr


def test_a_share_of_a_processor_is_not_exceeded(wherry: Wherry) -> None:
    busy = ("busybox", "sh", "-c", "while :; do :; done")
    run_detached(wherry, "--name", "busy", "--cpus", "0.2", *busy)
    cgroup = cgroup_of(wherry, "busy")
    eventually(lambda: cgroup.stats().cpu.throttled_periods > 1)

    engine = Engine(wherry.root, wherry.run_folder)
    usage = usage_of(container_stats(engine, "busy"))
    engine.store.database.close()

    assert 10.0 < usage.cpu_percent < 30.0


def test_a_container_stays_on_its_processors(wherry: Wherry) -> None:
    words = ("--network", "none", "--cpuset-cpus", "0", "busybox", "grep", "Cpus_allowed_list")

    assert wherry("run", "--rm", *words, "/proc/self/status").stdout.split() == [
        "Cpus_allowed_list:",
        "0",
    ]


def test_shares_reach_the_kernel(wherry: Wherry) -> None:
    run_detached(wherry, "--name", "web", "--cpu-shares", "512", "busybox", "sleep", "1000")

    paths = cgroup_of(wherry, "web").paths

    if "cpu" in paths:
        assert (paths["cpu"] / "cpu.shares").read_text() == "512\n"
    else:
        assert (paths[""] / "cpu.weight").read_text() == "20\n"


@pytest.mark.needs("cgroup1")
def test_shares_that_the_kernel_would_change_are_refused(wherry: Wherry) -> None:
    reason = "the minimum allowed cpu-shares is 2"
    wherry("create", "--name", "web", "--cpu-shares", "1", "busybox", "sleep", "1000")
    failed = wherry("start", "web", check=False)
    run_detached(wherry, "--name", "other", "busybox", "sleep", "1000")
    refused = wherry("update", "--cpu-shares", "1", "other", check=False)

    assert (failed.returncode, refused.returncode) == (1, 1)
    assert reason in failed.stderr
    assert reason in refused.stderr
    assert wherry("inspect", "-f", "{{.HostConfig.CpuShares}}", "other").stdout == "0\n"


def test_a_device_is_refused_unless_it_is_given(wherry: Wherry) -> None:
    words = ("run", "--rm", "--network", "none", "--cap-add", "MKNOD")
    attempt = "mknod /tmp/fuse c 10 229 && head -c 0 /tmp/fuse && cat /tmp/fuse"

    refused = wherry(*words, "busybox", "sh", "-c", attempt, check=False)

    assert "Operation not permitted" in refused.stderr
    if Path("/dev/fuse").exists():
        # Opening it is allowed now; reading from it without a mount is not.
        opened = ("busybox", "sh", "-c", "exec 3<>/dev/fuse && echo opened")
        assert wherry(*words, "--device", "/dev/fuse", *opened).stdout == "opened\n"


def test_devices_are_docker_s(wherry: Wherry) -> None:
    cgroup = "cat /sys/fs/cgroup/devices/devices.list"
    result = wherry("run", "--rm", "--network", "none", "busybox", "sh", "-c", cgroup, check=False)
    if result.returncode != 0:
        pytest.skip("cgroup v2 has no list of devices")

    majors = ("1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:1", "5:2", "136:*")
    assert sorted(result.stdout.splitlines()) == sorted(
        ["b *:* m", "c *:* m", *(f"c {numbers} rwm" for numbers in majors)]
    )


def test_cgroup_parent(wherry: Wherry) -> None:
    parent = "/wherry/below"
    words = ("--name", "web", "--cgroup-parent", parent, "busybox", "sleep", "1000")
    run_detached(wherry, *words)

    cgroup = open_manager(f"{parent}/{inspected(wherry, 'web')['Id']}")

    assert len(cgroup.processes()) == 1
    wherry("rm", "-f", "web")
    assert not cgroup.exists
    open_manager(parent).delete()


def test_a_cgroup_parent_that_leads_upwards_is_refused(wherry: Wherry) -> None:
    words = ("--cgroup-parent", "/wherry/../..", "busybox", "true")

    result = wherry("run", "--rm", *words, check=False)

    assert result.returncode == 125
    assert "invalid cgroup parent" in result.stderr


def test_a_paused_container_stands_still_and_can_be_removed(wherry: Wherry) -> None:
    busy = ("busybox", "sh", "-c", "while :; do :; done")
    run_detached(wherry, "--name", "busy", *busy)
    cgroup = cgroup_of(wherry, "busy")
    eventually(lambda: cgroup.stats().cpu.total > 0)

    wherry("pause", "busy")

    assert inspected(wherry, "busy")["State"]["Status"] == "paused"
    before = cgroup.stats().cpu.total
    assert wherry("inspect", "busy").returncode == 0
    assert cgroup.stats().cpu.total == before
    wherry("unpause", "busy")
    eventually(lambda: cgroup.stats().cpu.total > before)
    wherry("pause", "busy")
    wherry("rm", "-f", "busy")
    assert not cgroup.exists
