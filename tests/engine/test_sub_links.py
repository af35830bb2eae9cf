"""Networks on a link of the host: ipvlan and VLANs, or how a kernel without them is told of."""

import errno
import socket
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from wherry.linux.netlink import Link, RouteSocket
from wherry.network.plug import PlugFailed
from wherry.network.sub_links import ensure_parent, remove_parent, will_own_parent
from wherry.store.addresses import Subnet
from wherry.store.network_creation import add_network
from wherry.store.networks import Network
from wherry.testing.machines import Guest, Machine, machine
from wherry.values import replace

pytestmark = pytest.mark.needs("root", "netns")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as made:
        yield made


def network(host: Machine, driver: str, **options: str) -> Network:
    subnet = Subnet(subnet=IPv4Network("10.86.0.0/24"), gateway=IPv4Address("10.86.0.1"))
    wanted = Network(id="", name="n", driver=driver, subnets=(subnet,), options=options)
    return add_network(host.store, replace(wanted, owns_parent=will_own_parent(wanted, ())))


def attempt(make: Callable[[], object]) -> object:
    """What `make` returns, or how it was refused."""
    try:
        return make()
    except (PlugFailed, OSError) as error:
        return error


@pytest.mark.parametrize("mode", ["l2", "l3", "l3s"])
def test_neighbours_on_ipvlan_hear_each_other(host: Machine, mode: str) -> None:
    on_link = network(host, "ipvlan", parent="up0", ipvlan_mode=mode)
    one = attempt(lambda: host.new_container(on_link))
    if isinstance(one, PlugFailed):
        assert str(one).endswith("failed to create the ipvlan port: operation not supported")
        return
    assert isinstance(one, Guest)
    two = host.new_container(on_link)
    with one.opened(socket.SOCK_DGRAM) as client, two.opened(socket.SOCK_DGRAM) as server:
        server.bind(("0.0.0.0", 53))
        client.sendto(b"hello", (two.address, 53))
        assert server.recvfrom(10) == (b"hello", (one.address, client.getsockname()[1]))


def test_a_vlan_is_made_for_a_network_and_goes_with_it(host: Machine) -> None:
    on_vlan = network(host, "macvlan", parent="up0.10")
    with RouteSocket() as links:
        made = attempt(lambda: ensure_parent(links, on_vlan))
        if isinstance(made, OSError):
            assert made.errno == errno.EOPNOTSUPP
            return
        assert isinstance(made, Link)
        assert (made.name, made.kind, made.is_up) == ("up0.10", "vlan", True)
        remove_parent(links, on_vlan, ())
        assert links.link("up0.10") is None
