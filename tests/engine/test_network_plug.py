"""Containers on the default bridge, with network namespaces for the host and for the world."""

import os
import secrets
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from wherry.linux import netlink, nftables
from wherry.linux.netlink import Link, RouteSocket
from wherry.network import firewall
from wherry.network.bridge import ensure_bridge, set_sysctl
from wherry.network.plug import loopback_up, plug, remove_bridge_if_unused, sweep
from wherry.store.networks import allocate_endpoint, endpoints_of, find_network
from wherry.testing.machines import HOST, Guest, Machine, machine, new_namespace, opened

pytestmark = pytest.mark.needs("root", "netns", "nftables")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as made:
        yield made


def speaks(client: socket.socket, address: tuple[str, int], server: socket.socket) -> str:
    """The address a server sees when `client` has connected to `address` and been heard."""
    server.settimeout(3)
    with client:
        client.connect(address)
        connection, peer = server.accept()
        with connection:
            client.sendall(b"hello")
            assert connection.recv(5) == b"hello"
    return str(peer[0])


def test_a_container_reaches_the_host_its_neighbour_and_the_world(host: Machine) -> None:
    one, two = host.new_container(), host.new_container()
    with two.listen(80) as server:
        assert speaks(one.opened(), (two.address, 80), server) == one.address
    with opened() as server:
        server.bind(("0.0.0.0", 81))
        server.listen()
        gateway = str(host.bridge.subnets[0].gateway)
        assert speaks(one.opened(), (gateway, 81), server) == one.address
    with host.outside.listen(82) as server:
        # By the host's address: the world knows no way to ours.
        assert speaks(one.opened(), (host.outside.address, 82), server) == HOST


def test_the_host_reaches_a_container(host: Machine) -> None:
    container = host.new_container()
    with container.listen(80) as server:
        gateway = str(host.bridge.subnets[0].gateway)
        assert speaks(opened(), (container.address, 80), server) == gateway


def test_an_unpublished_port_is_not_for_the_world(host: Machine) -> None:
    container = host.new_container()
    with RouteSocket(host.outside.netns) as outside:
        link = outside.link("up0")
        assert link is not None
        # As a neighbour could do who routes our subnet by us.
        outside.request(netlink.new_default_route(IPv4Address(HOST), link.index))
    with container.listen(80), host.outside.opened() as client:
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.connect((container.address, 80))


def datagram_to_loopback(container: Guest, host: Machine, port: int, text: bytes) -> bytes:
    """A frame from a container for a service on the host's loopback, as an attacker sends it."""
    with RouteSocket() as sockets:
        bridge = sockets.link(host.bridge.bridge)
    assert bridge is not None
    assert container.endpoint is not None
    ethernet = bytes.fromhex(
        (bridge.mac_address + container.endpoint.mac_address).replace(":", "") + "0800"
    )
    udp = struct.pack("!HHHH", 1000, port, 8 + len(text), 0) + text
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    header += socket.inet_aton(container.address) + socket.inet_aton("127.0.0.1")
    total = sum(struct.unpack("!10H", header))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return ethernet + header[:10] + struct.pack("!H", checksum) + header[12:] + udp


def test_a_container_does_not_reach_services_on_the_hosts_loopback(host: Machine) -> None:
    container = host.new_container()
    set_sysctl(f"ipv4/conf/{host.bridge.bridge}/route_localnet", "1")
    with (
        opened(socket.SOCK_DGRAM) as server,
        container.opened(socket.SOCK_RAW, socket.AF_PACKET) as wire,
    ):
        server.bind(("127.0.0.1", 83))
        wire.bind(("eth0", 0))
        wire.send(datagram_to_loopback(container, host, 83, b"guarded"))
        nftables.run(f"flush chain inet {firewall.table_of(host.store)} guard")
        wire.send(datagram_to_loopback(container, host, 83, b"unguarded"))
        assert server.recv(100) == b"unguarded"  # what the guard is there for


def test_what_a_container_sees(host: Machine) -> None:
    container = host.new_container()
    with RouteSocket(container.netns) as inside:
        links = {link.name: link for link in inside.links()}
        routes = {str(route.destination): str(route.gateway) for route in inside.routes()}
    assert sorted(links) == ["eth0", "lo"]
    assert links["eth0"].is_up
    assert links["eth0"].mtu == 1400  # of the way out
    assert routes["0.0.0.0/0"] == str(host.bridge.subnets[0].gateway)
    assert not any(":" in destination for destination in routes)  # no IPv6 on this network


def test_none_has_a_loopback_and_nothing_else(host: Machine) -> None:
    with ExitStack() as lifetime:
        netns = new_namespace(lifetime)
        none = find_network(host.store, "none")
        plug(host.store, none, allocate_endpoint(host.store, none, "a" * 64), netns)
        loopback_up(netns)
        guest = Guest(netns, "127.0.0.1")
        with guest.listen(80) as server:
            assert speaks(guest.opened(), ("127.0.0.1", 80), server) == "127.0.0.1"
        with RouteSocket(netns) as inside:
            assert [link.name for link in inside.links()] == ["lo"]


@pytest.mark.parametrize("is_up", [False, True], ids=["half made", "of an earlier database"])
def test_a_plug_repairs_the_bridge_that_it_finds(host: Machine, is_up: bool) -> None:
    with ExitStack() as lifetime:
        abandoned, netns = new_namespace(lifetime), new_namespace(lifetime)
        endpoint = allocate_endpoint(host.store, host.bridge, "b" * 64)
        plug(host.store, host.bridge, endpoint, abandoned)
        bridge = host.bridge.bridge
        with RouteSocket() as sockets:
            sockets.request(
                netlink.delete_link(bridge), netlink.new_bridge(bridge, "02:00:00:00:00:01", 1400)
            )
            if is_up:
                sockets.request(netlink.set_link_up(bridge))

        plug(host.store, host.bridge, endpoint, netns)

        guest = Guest(netns, str(endpoint.ipv4.ip) if endpoint.ipv4 else "")
        with guest.listen(80) as server:
            gateway = str(host.bridge.subnets[0].gateway)
            assert speaks(opened(), (guest.address, 80), server) == gateway


def test_the_route_of_a_bridge_that_somebody_makes_meanwhile_is_its_own(host: Machine) -> None:
    host.new_container()

    class Early(RouteSocket):
        """Of one who looked for the bridge just before it was made."""

        looks = 0

        def link(self, name: str) -> Link | None:
            self.looks += 1
            return super().link(name) if self.looks > 1 else None

    with Early() as sockets:
        assert ensure_bridge(sockets, host.bridge).is_up


def test_a_flushed_ruleset_is_made_again_by_the_next_container(host: Machine) -> None:
    first = host.new_container()
    nftables.run("flush ruleset")

    host.new_container()

    with host.outside.listen(82) as server:
        assert speaks(first.opened(), (host.outside.address, 82), server) == HOST


DROP = "add chain ip filter FORWARD { type filter hook forward priority filter; policy drop; }\n"
DOCKER = "add chain ip filter DOCKER-USER\nadd rule ip filter FORWARD jump DOCKER-USER"


@pytest.mark.parametrize("rest", ["", DOCKER], ids=["ufw", "docker"])
def test_a_host_that_drops_what_it_forwards_does_not_cut_off_our_containers(
    host: Machine, rest: str
) -> None:
    nftables.run("add table ip filter\n" + DROP + rest)
    before = nftables.run("list table ip filter")
    container = host.new_container()
    with host.outside.listen(82) as server:
        assert speaks(container.opened(), (host.outside.address, 82), server) == HOST

    firewall.reapply(host.store)
    listed = nftables.run("list table ip filter")
    assert listed.count(host.bridge.bridge) == 4  # once each way, with a comment each
    firewall.remove(host.store)
    assert nftables.run("list table ip filter") == before


def test_rules_of_the_host_come_before_ours(host: Machine) -> None:
    refusal = "add rule ip filter FORWARD tcp dport 82 counter drop\n"
    nftables.run("add table ip filter\n" + DROP + refusal)
    container = host.new_container()
    with host.outside.listen(82), container.opened() as client:
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.connect((host.outside.address, 82))
    # When Docker comes, its chain for users is the place.
    nftables.run(DOCKER)
    firewall.reapply(host.store)
    assert host.bridge.bridge not in nftables.run("list chain ip filter FORWARD")


def test_tables_of_others_stay_as_they_are(host: Machine) -> None:
    nftables.run(
        "add table inet mine\n"
        "add chain inet mine forward { type filter hook forward priority filter; policy accept; }\n"
        "add rule inet mine forward tcp dport 83 counter drop\n"
        "add table ip nat\n"
        "add chain ip nat POSTROUTING { type nat hook postrouting priority srcnat; }"
    )
    before = nftables.run("list table inet mine") + nftables.run("list table ip nat")
    host.new_container()
    firewall.reapply(host.store)
    firewall.remove(host.store)

    assert nftables.run("list table inet mine") + nftables.run("list table ip nat") == before


def test_sweep_removes_what_the_dead_left_and_nothing_else(host: Machine) -> None:
    dead, alive = host.new_container(), host.new_container()

    sweep(host.store, {alive.container_id})

    assert endpoints_of(host.store, dead.container_id) == []
    assert endpoints_of(host.store, alive.container_id) == [alive.endpoint]
    with RouteSocket() as sockets:
        names = {link.name for link in sockets.links() if link.name.startswith("wh")}
    assert alive.endpoint is not None
    assert names == {host.bridge.bridge, alive.endpoint.host_link}


def test_nothing_is_left_when_the_last_container_is_gone(host: Machine) -> None:
    container = host.new_container()
    assert not remove_bridge_if_unused(host.store)
    sweep(host.store, ())

    assert remove_bridge_if_unused(host.store)

    assert container.endpoint is not None
    assert "wherry" not in nftables.run("list ruleset")
    assert not [name for name in os.listdir("/proc/sys/net/ipv4/conf") if name.startswith("wh")]


def test_an_address_of_the_dead_is_handed_out_again_and_works(host: Machine) -> None:
    dead = host.new_container()
    with dead.listen(80) as server:
        speaks(opened(), (dead.address, 80), server)
    sweep(host.store, ())

    heir = host.new_container()

    assert heir.address == dead.address
    with heir.listen(80) as server:
        speaks(opened(), (heir.address, 80), server)


def test_a_thousand_claims_leave_no_address_behind(host: Machine) -> None:
    addresses = set()
    for _ in range(1000):
        endpoint = allocate_endpoint(host.store, host.bridge, secrets.token_hex(32))
        addresses.add(endpoint.ipv4)
    assert len(addresses) == 1000
    sweep(host.store, ())
    assert allocate_endpoint(host.store, host.bridge, "c" * 64).ipv4 == min(
        address for address in addresses if address
    )
