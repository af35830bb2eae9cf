import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv4Interface

import pytest

from wherry.linux import netlink
from wherry.linux.netlink import RouteSocket, entered
from wherry.testing.machines import new_namespace

pytestmark = pytest.mark.needs("root", "netns")


@pytest.fixture
def netns() -> Iterator[int]:
    with ExitStack() as lifetime:
        yield new_namespace(lifetime)


def test_messages_sent_together_take_effect_in_order(netns: int) -> None:
    with RouteSocket(netns) as sockets:
        sockets.request(
            netlink.set_link_up("lo"),
            netlink.new_bridge("b0", "02:00:00:00:00:01", 1400),
            netlink.set_link_up("b0"),
        )
        bridge = sockets.link("b0")
        assert bridge is not None
        assert (bridge.kind, bridge.mtu, bridge.is_up) == ("bridge", 1400, True)
        assert bridge.mac_address == "02:00:00:00:00:01"
        sockets.request(
            netlink.new_address(bridge.index, IPv4Interface("10.0.0.1/24")),
            netlink.new_default_route(IPv4Address("10.0.0.9"), bridge.index),
        )
        assert {(str(r.destination), str(r.gateway)) for r in sockets.routes()} == {
            ("10.0.0.0/24", "None"),
            ("0.0.0.0/0", "10.0.0.9"),
        }


def test_a_failure_names_its_subject_and_the_rest_is_done(netns: int) -> None:
    with RouteSocket(netns) as sockets:
        with pytest.raises(OSError, match="nope") as failure:
            sockets.request(netlink.set_link_up("nope"), netlink.set_link_up("lo"))
        assert failure.value.errno == errno.ENODEV
        assert [link.name for link in sockets.links() if link.is_up] == ["lo"]
        sockets.request(netlink.delete_link("nope"), ignoring=frozenset({errno.ENODEV}))


def test_the_far_end_of_a_pair_is_made_in_its_namespace(netns: int) -> None:
    with ExitStack() as lifetime:
        far = new_namespace(lifetime)
        peer = netlink.Peer(name="eth0", netns_fd=far, mac_address="02:00:00:00:00:02")
        with RouteSocket(netns) as near:
            near.request(netlink.new_bridge("b0", "02:00:00:00:00:01", 1500))
            bridge = near.link("b0")
            assert bridge is not None
            near.request(netlink.new_veth("v0", master=bridge.index, mtu=1400, peer=peer))
            end = near.link("v0")
            assert end is not None
            assert (end.master, end.kind, end.is_up) == (bridge.index, "veth", True)
            assert near.link("eth0") is None
        with RouteSocket(far) as sockets:
            link = sockets.link("eth0")
            assert link is not None
            assert (link.mac_address, link.mtu) == ("02:00:00:00:00:02", 1400)


def test_whoever_enters_a_namespace_comes_back(netns: int) -> None:
    def here() -> int:
        return os.stat("/proc/thread-self/ns/net").st_ino

    home = here()

    def fail_elsewhere() -> None:
        with entered(netns):
            raise LookupError(here())

    with pytest.raises(LookupError) as failure:
        fail_elsewhere()
    assert failure.value.args != (home,)
    assert here() == home
