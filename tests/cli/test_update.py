"""`wherry update`, beside Docker's: what it says, what inspect shows, what the kernel keeps."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wherry.linux.cgroup.manager import open_manager
from wherry.linux.cgroup.stats import Stats
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("containers")
SHOWN = (
    *("Memory", "MemorySwap", "MemoryReservation", "NanoCpus", "CpuShares", "CpuPeriod"),
    *("CpuQuota", "CpusetCpus", "CpusetMems", "PidsLimit", "RestartPolicy"),
)
V1 = {
    "memory": ("memory.limit_in_bytes", "memory.soft_limit_in_bytes"),
    "cpu": ("cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us"),
    "cpuset": ("cpuset.cpus",),
    "pids": ("pids.max",),
}


@pytest.fixture
def pair(wherry: Wherry, dockerd: Dockerd) -> Iterator[None]:
    """A container `pair` that runs, with both engines."""
    words = ("run", "-d", "--name", "pair", "--network", "none", "-m", "64m", "busybox")
    wherry(*words, "sleep", "1000")
    dockerd.docker(*words, "sleep", "1000")
    yield
    dockerd.docker("rm", "-f", "pair")


def host_config(run: Callable[..., object], name: str = "pair") -> dict[str, object]:
    result = run("inspect", "-f", "{{json .HostConfig}}", name)
    document: dict[str, object] = json.loads(getattr(result, "stdout", ""))
    return {key: document[key] for key in SHOWN}


def cgroup_files(run: Callable[..., object]) -> dict[str, str]:
    """The limits of the container's process, as cgroup v1 has them."""
    pid = getattr(run("inspect", "-f", "{{.State.Pid}}", "pair"), "stdout", "").strip()
    found = {}
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in set(controllers.split(",")) & set(V1):
            for name in V1[controller]:
                found[name] = Path(f"/sys/fs/cgroup/{controller}{path}/{name}").read_text().strip()
    return found


@pytest.mark.needs("cgroup1")
@pytest.mark.usefixtures("pair")
@pytest.mark.parametrize(
    "words",
    [
        ["-m", "48m"],
        ["-m", "200m", "--memory-swap", "300m"],
        ["-m", "48m", "--memory-swap", "-1"],
        ["--memory-reservation", "32m"],
        ["--cpus", "0.5"],
        ["-c", "512"],
        ["--cpu-period", "50000", "--cpu-quota", "20000"],
        ["--cpuset-cpus", "0", "--cpuset-mems", "0"],
        ["--pids-limit", "17"],
        ["--restart", "on-failure:3"],
        ["--restart", "always", "--cpus", "1.5", "--pids-limit", "50"],
    ],
    ids=" ".join,
)
def test_inspect_and_the_kernel_show_the_same_as_with_docker(
    wherry: Wherry, dockerd: Dockerd, words: list[str]
) -> None:
    ours = wherry("update", *words, "pair")
    theirs = dockerd.docker("update", *words, "pair")

    assert (ours.stdout, ours.stderr) == (theirs.stdout, theirs.stderr)
    assert host_config(wherry) == host_config(dockerd.docker)
    assert cgroup_files(wherry) == cgroup_files(dockerd.docker)


@pytest.mark.usefixtures("pair")
@pytest.mark.parametrize(
    "words",
    [
        ["pair"],
        ["-m", "1k", "pair"],
        ["-m", "1g", "pair"],
        ["-m", "20m", "--memory-reservation", "30m", "pair"],
        ["--cpus", "1", "--cpu-quota", "20000", "pair"],
        ["--cpuset-cpus", "99", "pair"],
        ["--cpu-period", "1", "pair"],
        ["--restart", "on-failure:x", "pair"],
        ["--cpus", "x", "pair"],
        ["--pids-limit", "5", "nowhere", "elsewhere"],
        [],
    ],
    ids=" ".join,
)
def test_a_refusal_has_docker_s_words_and_changes_nothing(
    wherry: Wherry, dockerd: Dockerd, words: list[str]
) -> None:
    before = host_config(wherry)

    ours = wherry("update", *words, check=False)
    theirs = dockerd.docker("update", *words, check=False)

    assert ours.returncode == theirs.returncode
    assert without_prefix(ours.stderr) == without_prefix(theirs.stderr).replace("docker", "wherry")
    assert host_config(wherry) == before


def without_prefix(text: str) -> str:
    text = re.sub(r"^Hint: .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^(wherry: |docker: )?(Error response from daemon: )?", "", text, flags=re.M)
    return re.sub("[0-9a-f]{64}", "<id>", text)


def test_what_is_updated_holds_for_a_stopped_container_s_next_start(wherry: Wherry) -> None:
    wherry("create", "--name", "later", "--network", "none", "busybox", "sleep", "1000")

    wherry("update", "--pids-limit", "9", "later")
    wherry("start", "later")

    assert stats_of(wherry, "later").pids.limit == 9


def test_other_limits_change_while_swap_is_unlimited(wherry: Wherry) -> None:
    words = ("-m", "64m", "--memory-swap", "-1", "--name", "swapping", "--network", "none")
    wherry("run", "-d", *words, "busybox", "sleep", "1000")

    wherry("update", "--pids-limit", "9", "--restart", "always", "swapping")

    assert stats_of(wherry, "swapping").pids.limit == 9


def test_a_limit_of_processes_can_be_lifted(wherry: Wherry) -> None:
    words = ("--name", "free", "--network", "none", "--pids-limit", "9")
    wherry("run", "-d", *words, "busybox", "sleep", "1000")

    wherry("update", "--pids-limit", "-1", "free")

    assert not stats_of(wherry, "free").pids.limit


def stats_of(wherry: Wherry, name: str) -> Stats:
    identity = wherry("inspect", "-f", "{{.Id}}", name).stdout.strip()
    return open_manager(f"/wherry/{identity}").stats()


def test_a_new_restart_policy_counts_for_a_container_that_runs(wherry: Wherry) -> None:
    script = "trap 'exit 3' TERM; while :; do sleep 0.05; done"
    wherry("run", "-d", "--name", "once", "--network", "none", "busybox", "sh", "-c", script)

    wherry("update", "--restart", "always", "once")
    wherry("exec", "once", "kill", "-TERM", "1")

    def restarts() -> str:
        return wherry("inspect", "-f", "{{.RestartCount}}", "once").stdout.strip()

    eventually(lambda: restarts() != "0", what="restarted")
