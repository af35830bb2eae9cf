"""Networks that are reached by their containers' own addresses, and those that nobody reaches."""

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

import pytest

from wherry.linux import netlink
from wherry.linux.netlink import RouteSocket, entered
from wherry.network import firewall
from wherry.network.bridge import ensure_bridge
from wherry.network.ports import publish
from wherry.network.requests import parse_port_spec
from wherry.store.addresses import Subnet
from wherry.store.network_creation import add_network
from wherry.store.networks import Network
from wherry.testing.machines import HOST, OUTSIDE, Guest, Machine, machine, opened

pytestmark = pytest.mark.needs("root", "netns", "nftables")
BRIDGE = "com.docker.network.bridge."


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Machine]:
    """Its world sends what is for containers to the host."""
    with machine(tmp_path) as made:
        with RouteSocket(made.outside.netns) as world:
            link = world.link("up0")
            assert link is not None
            world.request(netlink.new_default_route(IPv4Address(HOST), link.index))
        yield made


def network(host: Machine, *, internal: bool = False, **options: str) -> Network:
    subnet = Subnet(subnet=IPv4Network("10.84.0.0/24"), gateway=IPv4Address("10.84.0.1"))
    named = {BRIDGE + name: value for name, value in options.items()}
    made = add_network(
        host.store,
        Network(
            id="", name="n", driver="bridge", internal=internal, subnets=(subnet,), options=named
        ),
    )
    with RouteSocket() as sockets:
        ensure_bridge(sockets, made)
    firewall.reapply(host.store)
    return made


def got(web: Guest, client: socket.socket, *ports: int) -> list[tuple[int, str]]:
    """To which ports of `web` the client's datagrams come, and from where; the last one does."""
    servers = {port: web.opened(socket.SOCK_DGRAM) for port in ports}
    for port, server in servers.items():
        server.bind(("0.0.0.0", port))
        client.sendto(b"hello", (web.address, port))
    servers[ports[-1]].recv(10, socket.MSG_PEEK)  # and with it those that were sent before
    arrived = []
    for port, server in servers.items():
        server.setblocking(False)
        try:
            arrived.append((port, server.recvfrom(10)[1][0]))
        except BlockingIOError:
            continue
        finally:
            server.close()
    return arrived


def test_routers_that_containers_announce_are_believed_by_nobody(host: Machine) -> None:
    subnet = Subnet(subnet=IPv6Network("fd00:84::/64"), gateway=IPv6Address("fd00:84::1"))
    wanted = Network(id="", name="six", driver="bridge", enable_ipv6=True, subnets=(subnet,))
    made = add_network(host.store, wanted)
    container = host.new_container(made)

    for netns, link in ((host.netns, made.bridge), (container.netns, "eth0")):
        with entered(netns):
            assert Path(f"/proc/sys/net/ipv6/conf/{link}/accept_ra").read_text() == "0\n"


def test_routed_containers_are_reached_by_their_own_addresses_at_published_ports(
    host: Machine,
) -> None:
    web = host.new_container(network(host, gateway_mode_ipv4="routed"))
    assert web.endpoint is not None
    with (
        publish(host.store, web.container_id, "web", web.endpoint, parse_port_spec("99:53/udp")),
        host.outside.opened(socket.SOCK_DGRAM) as client,
        host.outside.opened(socket.SOCK_DGRAM) as answer,
        opened(socket.SOCK_DGRAM) as holder,
    ):
        assert got(web, client, 54, 53) == [(53, OUTSIDE)]
        holder.bind(("0.0.0.0", 99))  # the port of the host is nobody's
        # Nor does it hide behind the host when it speaks.
        answer.bind((OUTSIDE, 53))
        with web.opened(socket.SOCK_DGRAM) as asker:
            asker.sendto(b"hello", (OUTSIDE, 53))
        assert answer.recvfrom(10)[1][0] == web.address


def test_another_network_reaches_routed_containers_too(host: Machine) -> None:
    web = host.new_container(network(host, gateway_mode_ipv4="routed"))
    neighbour = host.new_container()
    assert web.endpoint is not None
    ports = parse_port_spec("53:53/udp")
    with (
        publish(host.store, web.container_id, "web", web.endpoint, ports),
        neighbour.opened(socket.SOCK_DGRAM) as client,
    ):
        assert got(web, client, 54, 53) == [(53, neighbour.address)]


def test_unprotected_containers_are_reached_at_all_ports_from_outside(host: Machine) -> None:
    web = host.new_container(network(host, gateway_mode_ipv4="nat-unprotected"))
    with host.outside.opened(socket.SOCK_DGRAM) as client:
        assert got(web, client, 54, 53) == [(54, OUTSIDE), (53, OUTSIDE)]


def test_published_ports_are_reached_directly_from_links_that_are_trusted(host: Machine) -> None:
    web = host.new_container(network(host, trusted_host_interfaces="nothing0:up0"))
    assert web.endpoint is not None
    ports = parse_port_spec("127.0.0.1:5353:53/udp")
    with (
        publish(host.store, web.container_id, "web", web.endpoint, ports),
        host.outside.opened(socket.SOCK_DGRAM) as client,
    ):
        assert got(web, client, 54, 53) == [(53, OUTSIDE)]


@pytest.mark.parametrize(
    "options", [{"gateway_mode_ipv4": "isolated"}, {"inhibit_ipv4": "true"}], ids=str
)
def test_a_bridge_without_an_address_keeps_the_host_out(
    host: Machine, options: dict[str, str]
) -> None:
    made = network(host, internal=True, **options)
    one, two = host.new_container(made), host.new_container(made)

    with (
        one.opened(socket.SOCK_DGRAM) as server,
        opened(socket.SOCK_DGRAM) as stranger,
        two.opened(socket.SOCK_DGRAM) as neighbour,
    ):
        server.bind(("0.0.0.0", 53))
        for client in (stranger, neighbour):
            client.sendto(b"hello", (one.address, 53))
        assert server.recvfrom(10)[1][0] == two.address
