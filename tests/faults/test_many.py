"""Many containers, one after another and at once: nothing of them stays on the host."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.conftest import shims_of
from wherry.linux import nftables
from wherry.linux.netlink import RouteSocket
from wherry.store.networks import containers_with_endpoints, find_network
from wherry.store.store import Store
from wherry.testing.command import Wherry
from wherry.testing.waiting import eventually

pytestmark = [pytest.mark.needs("containers", "nftables"), pytest.mark.timeout(300)]

# scripts/test-slow goes to the full numbers.
CYCLES = int(os.environ.get("WHERRY_CYCLES", "30"))
ON_ONE_NETWORK = int(os.environ.get("WHERRY_ON_ONE_NETWORK", "20"))
CROWD = int(os.environ.get("WHERRY_CROWD", "20"))


def test_starts_and_stops_leave_nothing(clean: Wherry) -> None:
    clean(
        "run", "--name", "cycle", "-p", "18999:80", "-v", "cycle:/data", "-m", "64m",
        "--ipc=shareable", "busybox", "true",
    )  # fmt: skip

    for _ in range(CYCLES):
        clean("start", "-a", "cycle")

    assert clean("inspect", "-f", "{{.State.ExitCode}}", "cycle").stdout == "0\n"


def test_a_crowd_at_once_leaves_nothing(clean: Wherry) -> None:
    crowd = [
        clean.start(
            "run", "--rm", "-p", "80", "-m", "64m", "-v", "/anonymous", "-v", "common:/data",
            "busybox", "echo", str(number),
        )
        for number in range(CROWD)
    ]  # fmt: skip
    outcomes = [(*process.communicate(timeout=120), process.returncode) for process in crowd]

    assert outcomes == [(f"{number}\n".encode(), b"", 0) for number in range(CROWD)]
    assert clean("volume", "ls", "-q").stdout == "common\n"


@pytest.mark.timeout(1800)  # a thousand on a busy machine take their time
def test_containers_of_one_network_leave_no_address_link_or_rule(clean: Wherry) -> None:
    clean("network", "create", "--subnet", "10.86.1.0/28", "small")  # 13 addresses
    before = nftables.run("list ruleset")
    step = 10
    for first in range(0, ON_ONE_NETWORK, step):
        names = [f"c{number}" for number in range(first, first + step)]
        started = [
            clean.start("run", "-d", "--name", name, "--network", "small", "-p", "80", "busybox",
                        "sleep", "1000")
            for name in names
        ]  # fmt: skip
        outcomes = [(process.communicate(timeout=60)[1], process.returncode) for process in started]
        assert outcomes == [(b"", 0)] * step
        clean("rm", "-f", *names)

    store = Store(clean.root, clean.run_folder)
    with closing(store.database):
        assert containers_with_endpoints(store) == set()
        bridge = find_network(store, "small").bridge

    def ports() -> list[str]:
        with RouteSocket() as host:
            links = host.links()
        (index,) = (link.index for link in links if link.name == bridge)
        return [link.name for link in links if link.master == index]

    eventually(lambda: not ports(), what="links gone")
    assert nftables.run("list ruleset") == before
    clean("network", "rm", "small")


def test_a_supervisor_does_not_grow(clean: Wherry) -> None:
    clean("run", "-d", "--name", "long", "--health-cmd=true", "--health-interval=20ms", "busybox",
          "sh", "-c", "while echo tick; do sleep 0.02; done")  # fmt: skip
    (shim,) = shims_of(clean)

    def use() -> None:
        for _ in range(max(CYCLES // 10, 3)):
            clean("exec", "long", "true")
            client = clean.start("attach", "--no-stdin", "long")
            assert client.stdout is not None
            assert client.stdout.readline() == b"tick\n"  # it is attached before the restart
            clean("restart", "-t", "0", "long")
            client.communicate(timeout=30)
            clean("pause", "long")
            clean("unpause", "long")

    use()
    descriptors, memory = descriptors_of(shim), memory_of(shim)
    use()

    assert shims_of(clean) == [shim]
    # A check of its health has some open while it lasts.
    eventually(lambda: descriptors_of(shim) <= descriptors, what="no descriptors left open")
    assert memory_of(shim) < memory + 300  # KiB: what one round leaks would show as more


def descriptors_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory_of(pid: int) -> int:
    """What the process has written to, also where a child of the moment shares it, in KiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))
