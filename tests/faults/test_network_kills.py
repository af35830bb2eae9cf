"""kill -9 at every step of what changes networks: the next command finds or makes a sound state."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.faults.conftest import Killed, shims_of
from wherry.linux import nftables
from wherry.linux.netlink import RouteSocket
from wherry.store.networks import containers_with_endpoints
from wherry.store.store import Store
from wherry.testing.command import Wherry
from wherry.testing.waiting import eventually

pytestmark = [pytest.mark.needs("containers", "nftables"), pytest.mark.timeout(120)]

BRIDGE = "kills0"
CREATE = ("network", "create", "-o", f"com.docker.network.bridge.name={BRIDGE}", "net")
# scripts/test-slow comes to every point; for the suite one of a kind is enough.
ALL = "WHERRY_KILLS" in os.environ
SLEEP = ("busybox", "sleep", "100")
PORT = ("-p", "18995:80")


def has_bridge() -> bool:
    with RouteSocket() as host:
        return host.link(BRIDGE) is not None


@pytest.fixture
def foreign_policy() -> Iterator[None]:
    """A packet filter that drops what it does not know, as iptables and ufw make it."""
    nftables.run(
        "add table ip filter\n"
        "add chain ip filter FORWARD { type filter hook forward priority filter; policy drop; }"
    )
    yield
    nftables.run("delete table ip filter")


@pytest.mark.parametrize("point", ["network committed", "bridge made"][: 2 if ALL else 1])
def test_a_network_whose_making_was_killed_is_whole_with_its_first_container(
    clean: Wherry, killed: Killed, foreign_policy: None, point: str
) -> None:
    assert killed(point, *CREATE).returncode == -signal.SIGKILL

    assert clean("network", "ls", "-q", "--filter", "name=net").stdout.count("\n") == 1
    clean("run", "--rm", "--network", "net", "busybox", "true")

    rules = nftables.run("list ruleset")
    assert f'"{BRIDGE}" . "{BRIDGE}"' in rules  # its containers reach each other and no other's
    assert rules.count(f': {BRIDGE}"') == 2  # the host's policy lets them through, either way
    clean("network", "rm", "net")
    assert BRIDGE not in nftables.run("list ruleset")


@pytest.mark.parametrize(
    "point", ["network forgotten", "links of network removed"][: 2 if ALL else 1]
)
def test_a_removal_that_was_killed_is_there_to_be_repeated_or_done(
    clean: Wherry, killed: Killed, foreign_policy: None, point: str
) -> None:
    clean(*CREATE)

    assert killed(point, "network", "rm", "net").returncode == -signal.SIGKILL

    if clean("network", "ls", "-q", "--filter", "name=net").stdout:
        clean("run", "--rm", "--network", "net", "busybox", "true")  # all of it is made again
        assert has_bridge()
        clean("network", "rm", "net")
    assert not has_bridge()
    clean("run", "--rm", "busybox", "true")  # any container that has a network
    assert BRIDGE not in nftables.run("list ruleset")


@pytest.mark.parametrize(
    "point",
    [
        "joining: recorded",
        "joining: address claimed",
        "joining: link configured",
        "leaving: recorded",
        "leaving: link removed",
        "leaving: address released",
        "ports withdrawn for another network",
    ][: 7 if ALL else 1],
)
def test_a_supervisor_killed_while_it_changes_networks(
    clean: Wherry, killed: Killed, point: str
) -> None:
    clean("network", "create", "--subnet", "10.85.1.0/29", "one")
    clean("network", "create", "--subnet", "10.85.2.0/29", "two")
    words = ("--network", "name=one,gw-priority=1", *PORT, *SLEEP)
    assert killed(point, "run", "-d", "--name", "it", *words).returncode == 0

    clean("network", "connect", "--gw-priority", "2", "two", "it", check=False)
    clean("network", "disconnect", "two", "it", check=False)
    eventually(lambda: shims_of(clean) == [], what=f"killed: {point}")

    assert clean("ps", "-a", "--format", "{{.Names}} {{.State}}").stdout == "it exited\n"
    with closing((store := Store(clean.root, clean.run_folder)).database):
        assert containers_with_endpoints(store) == set()
    # Its next start is on the networks that its configuration names, with its port.
    networks = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"
    before = clean("inspect", "-f", networks, "it").stdout
    clean("start", "it")
    assert clean("inspect", "-f", networks, "it").stdout == before
    assert clean("port", "it").stdout.startswith("80/tcp -> 0.0.0.0:18995\n")
    clean("rm", "-f", "it")
    clean("network", "rm", "one", "two")


@pytest.mark.parametrize(
    "point", ["link made", "start prepared", "ports led to", "init waits"][: 4 if ALL else 1]
)
def test_a_start_on_several_networks_that_is_killed_keeps_no_address(
    clean: Wherry, killed: Killed, point: str
) -> None:
    clean("network", "create", "--subnet", "10.85.1.0/29", "one")
    clean("network", "create", "--subnet", "10.85.2.0/29", "two")
    words = ("--network", "name=one,ip=10.85.1.2", "--network", "name=two,ip=10.85.2.2")

    assert killed(point, "run", "-d", "--name", "it", *words, *PORT, *SLEEP).returncode != 0

    clean("run", "--rm", *words, *PORT, "busybox", "true")  # the same addresses and port
    clean("rm", "it")
    clean("network", "rm", "one", "two")
