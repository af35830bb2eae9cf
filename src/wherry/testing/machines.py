"""A host made of network namespaces, so that a test of networking leaves the real one alone.

outside 198.51.100.9 ──veth── 198.51.100.1 host ──bridges── containers
"""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from wherry.linux import netlink
from wherry.linux.namespaces import CloneFlag, join_namespace, open_namespace, unshare
from wherry.linux.netlink import RouteSocket, entered
from wherry.network.plug import plug
from wherry.store.networks import (
    Endpoint,
    Network,
    allocate_endpoint,
    ensure_default_networks,
    find_network,
)
from wherry.store.store import Store

OUTSIDE = "198.51.100.9"
HOST = "198.51.100.1"


class Guest:
    """A namespace with an address, into which sockets can be opened."""

    def __init__(self, netns: int, address: str, endpoint: Endpoint | None = None) -> None:
        self.netns = netns
        self.address = address
        self.endpoint = endpoint

    @property
    def container_id(self) -> str:
        assert self.endpoint is not None
        return self.endpoint.container_id

    def opened(self, kind: int = socket.SOCK_STREAM, family: int = socket.AF_INET) -> socket.socket:
        with entered(self.netns):
            return opened(kind, family)

    def listen(self, port: int) -> socket.socket:
        server = self.opened()
        server.bind(("0.0.0.0", port))
        server.listen()
        return server


def opened(kind: int = socket.SOCK_STREAM, family: int = socket.AF_INET) -> socket.socket:
    """A socket of the current namespace that does not wait for ever."""
    made = socket.socket(family, kind)
    made.settimeout(3)
    return made


class Machine:
    """The host, in which the test is while it runs, with an installation of its own."""

    def __init__(self, folder: Path, lifetime: ExitStack) -> None:
        self._lifetime = lifetime
        self.netns = new_namespace(lifetime)
        lifetime.enter_context(entered(self.netns))
        self.store = Store(folder / "root", folder / "run")
        lifetime.callback(self.store.database.close)
        outside = new_namespace(lifetime)
        self.outside = Guest(outside, OUTSIDE)
        peer = netlink.Peer(name="up0", netns_fd=outside, mac_address="02:00:00:00:00:09")
        with RouteSocket() as host:
            host.request(
                netlink.set_link_up("lo"), netlink.new_veth("up0", master=0, mtu=1400, peer=peer)
            )
            _set_up(host, f"{HOST}/24", OUTSIDE)
        with RouteSocket(outside) as beyond:
            _set_up(beyond, f"{OUTSIDE}/24", "")
        ensure_default_networks(self.store)
        self.bridge = find_network(self.store, "bridge")

    def new_container(self, network: Network | None = None) -> Guest:
        """A namespace that is plugged into the default bridge, or into `network`."""
        netns = new_namespace(self._lifetime)
        joins = network or self.bridge
        endpoint = allocate_endpoint(self.store, joins, secrets.token_hex(32))
        plug(self.store, joins, endpoint, netns)
        return Guest(netns, str(endpoint.ipv4.ip) if endpoint.ipv4 else "", endpoint)


def _set_up(sockets: RouteSocket, address: str, gateway: str) -> None:
    link = sockets.link("up0")
    assert link is not None
    sockets.request(
        netlink.set_link_up("up0"), netlink.new_address(link.index, IPv4Interface(address))
    )
    if gateway:
        sockets.request(netlink.new_default_route(IPv4Address(gateway), link.index))


def new_namespace(lifetime: ExitStack) -> int:
    """A network namespace that exists for as long as its descriptor, which this returns."""
    home = open_namespace("thread-self", CloneFlag.NEWNET)
    try:
        unshare(CloneFlag.NEWNET)
        made = open_namespace("thread-self", CloneFlag.NEWNET)
        join_namespace(home, CloneFlag.NEWNET)
    finally:
        os.close(home)
    lifetime.callback(os.close, made)
    return made


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """A machine, and this thread in it, for the time of a block."""
    with ExitStack() as lifetime:
        yield Machine(folder, lifetime)
