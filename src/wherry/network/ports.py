"""Publishing ports of a container on the host.

A port of the host belongs to who has bound it: the shim keeps a socket on each for as long as
the container runs. bind(2) is therefore the whole of the arbitration, between containers, with
other programs, and after a kill -9, when the sockets are gone by themselves. The rows tell for
whom a port was bound, for the words of the refusal and for the packet filter.

    bind ──> row ──> element of the packet filter's map ──> listen

Listening comes last: a connection accepted before would hang beside the way to the container.
"""

import errno
import os
import select
import signal
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import groupby
from pathlib import Path

from wherry.errors import Internal
from wherry.go_text import reason
from wherry.linux import netlink
from wherry.linux.netlink import RouteSocket
from wherry.network import firewall
from wherry.network.bridge import set_sysctl
from wherry.network.flows import forget_before
from wherry.network.forward import Forwarding, start_forwarder
from wherry.network.requests import parse_port_range
from wherry.network.settings import publish_address
from wherry.oci.container_config import PortBinding
from wherry.store.gateway_modes import GatewayMode
from wherry.store.networks import HOST_BINDING_OPTION, Endpoint, Network, find_network
from wherry.store.published_ports import (
    PublishedPort,
    next_ephemeral_port,
    overlap,
    owner_of_port,
    published_ports,
    replace_ports,
)
from wherry.store.store import Store
from wherry.typed import Self
from wherry.values import dataclass, replace

_ATTEMPTS = 10  # at finding a free port in a range, as Docker
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_BRIDGE_FILTERING = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
_PROTOCOLS = {
    "tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "sctp": (socket.SOCK_STREAM, socket.IPPROTO_SCTP),
}
_PROTOCOL_ORDER = tuple(_PROTOCOLS)
_ANYWHERE = (IPv4Address("0.0.0.0"), IPv6Address("::"))
_IP_PKTINFO, _IPV6_RECVPKTINFO = 8, 49  # ip(7), ipv6(7)

Address = IPv4Address | IPv6Address


class PublishFailed(Internal):
    """Worded as Docker words it, down to where the sentence starts."""

    def __init__(self, name: str, endpoint: Endpoint, problem: str) -> None:
        super().__init__(
            "failed to set up container networking: driver failed programming external"
            f" connectivity on endpoint {name} ({endpoint.id}): {problem}"
        )


class _PortTaken(Exception):
    """One attempt at a host port that came to nothing, with Docker's words for why."""


@dataclass(frozen=True, slots=True)
class _Claim:
    port: PublishedPort
    socket: socket.socket


class Published:
    """The ports of a running container; closing it withdraws them.

    Register `fileno()` for reading. When it is ready, call `forward`, which forks a process for
    what the packet filter cannot carry; when that process has ended, call `forwarder_ended`.
    """

    def __init__(self, store: Store, container_id: str, claims: Sequence[_Claim]) -> None:
        self.forwarder_pid = 0
        self._store = store
        self._container_id = container_id
        self._claims = claims
        self._epoll = select.epoll()
        self.forwarder_ended()

    @classmethod
    def take_up(
        cls, store: Store, container_id: str, sockets: Sequence[tuple[PublishedPort, int]]
    ) -> Self:
        """Ports that another process of the same container has published and kept in `sockets`."""
        claims = [_Claim(port, socket.socket(fileno=number)) for port, number in sockets]
        return cls(store, container_id, claims)

    @property
    def ports(self) -> list[PublishedPort]:
        """What is published."""
        return published_ports(self._store, self._container_id)

    @property
    def sockets(self) -> list[tuple[PublishedPort, int, bool]]:
        """Each port with the descriptor that holds it, and whether `forward` is for that."""
        watched = self._watched
        return [(claim.port, claim.socket.fileno(), claim in watched) for claim in self._claims]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Ready for reading when something has come that needs a forwarder."""
        return self._epoll.fileno()

    def forward(self) -> int:
        """Fork the forwarder; its PID. It dies with this process or with `close`."""
        if not self.forwarder_pid:
            for claim in self._watched:
                self._epoll.unregister(claim.socket)
            self.forwarder_pid = start_forwarder(
                [
                    Forwarding(claim.socket, claim.port.container_ip, claim.port.container_port)
                    for claim in self._watched
                ]
            )
        return self.forwarder_pid

    def forwarder_ended(self) -> None:
        """The forwarder has been waited for: watch the sockets again."""
        self.forwarder_pid = 0
        for claim in self._watched:
            self._epoll.register(claim.socket, select.EPOLLIN)

    @property
    def is_open(self) -> bool:
        return not self._epoll.closed

    @property
    def _watched(self) -> list[_Claim]:
        return [claim for claim in self._claims if claim.port.protocol != "sctp"]

    def close(self) -> None:
        """Withdraw the ports and end the forwarder. May be called again."""
        if self._epoll.closed:
            return
        if self.forwarder_pid:
            os.kill(self.forwarder_pid, signal.SIGKILL)
            os.waitpid(self.forwarder_pid, 0)
            self.forwarder_pid = 0
        withdraw(self._store, self._container_id)  # may fail for want of room, and be done again
        self._epoll.close()
        for claim in self._claims:
            claim.socket.close()


def publish(
    store: Store,
    container_id: str,
    name: str,
    endpoint: Endpoint,
    bindings: Sequence[PortBinding],
) -> Published:
    """Make ports of the container reachable as `bindings` say; `name` is for the error's words.

    Raises PublishFailed, with nothing left behind, when a port cannot be had.
    """
    with ExitStack() as undo:
        network = find_network(store, endpoint.network_id)
        claims = _claim_all(store, container_id, network, endpoint, bindings, undo, name)
        ports = [claim.port for claim in claims]
        ports += _routed_ports(container_id, network, endpoint, bindings)
        if ports:
            undo.callback(withdraw, store, container_id)
            replace_ports(store, ports)
            store.trace("ports recorded")
            firewall.ensure(store)
            firewall.add_ports(store, ports)
            forget_before(ports)
            store.trace("ports led to")
            try:
                _open_the_way(network, endpoint, ports)
                _listen(claims)
            except OSError as error:
                raise PublishFailed(name, endpoint, reason(error)) from error
        published = Published(store, container_id, claims)
        undo.pop_all()
    return published


def withdraw(store: Store, container_id: str) -> None:
    """Stop leading packets to the published ports of a container; no error if there are none."""
    if published_ports(store, container_id):
        firewall.withdraw_ports(store, container_id)


def _claim_all(
    store: Store,
    container_id: str,
    network: Network,
    endpoint: Endpoint,
    bindings: Sequence[PortBinding],
    undo: ExitStack,
    name: str,
) -> list[_Claim]:
    claims: list[_Claim] = []
    default = _default_address(network)
    # Bindings that differ only in the host's address get the same port, so that a name with
    # several addresses leads to the same place by each.
    for (_, container_port, _, host_port), group in groupby(sorted(bindings, key=_order), _order):
        same = list(group)
        wanted = [
            PublishedPort(
                protocol=same[0].protocol,
                host_ip=host_ip,
                host_port=0,
                container_id=container_id,
                container_ip=container_ip,
                container_port=container_port,
            )
            for binding in same
            for host_ip in _host_addresses(binding, default)
            if (container_ip := _container_address(endpoint, host_ip)) is not None
            and network.gateway_mode(container_ip.version) is not GatewayMode.ROUTED
        ]
        if not wanted:
            continue
        try:
            made = _claim_somewhere(store, wanted, parse_port_range(host_port), claims)
        except _PortTaken as error:
            raise PublishFailed(name, endpoint, str(error)) from error
        for claim in made:
            undo.callback(claim.socket.close)
        claims += made
    return claims


def _routed_ports(
    container_id: str, network: Network, endpoint: Endpoint, bindings: Sequence[PortBinding]
) -> list[PublishedPort]:
    """Ports that are reached by the container's own address: nothing of the host's is taken."""
    default = _default_address(network)
    ports = [
        PublishedPort(
            protocol=binding.protocol,
            host_ip=container_ip,
            host_port=binding.container_port,
            container_id=container_id,
            container_ip=container_ip,
            container_port=binding.container_port,
        )
        for binding in bindings
        for host_ip in _host_addresses(binding, default)
        if (container_ip := _container_address(endpoint, host_ip)) is not None
        and host_ip.version == container_ip.version
        and network.gateway_mode(container_ip.version) is GatewayMode.ROUTED
    ]
    return list(dict.fromkeys(ports))


def _order(binding: PortBinding) -> tuple[bool, int, int, str]:
    """Docker's: exact ports first, lest a range takes one of them."""
    first, last = parse_port_range(binding.host_port)
    exact = first == last != 0
    protocol = _PROTOCOL_ORDER.index(binding.protocol)
    return not exact, binding.container_port, protocol, binding.host_port


def _host_addresses(binding: PortBinding, default: Address | None) -> list[Address]:
    if binding.host_ip:
        return [ip_address(binding.host_ip)]
    if default is not None:
        return [default]
    # Nothing carries SCTP from IPv6, so it is not offered there.
    return [
        ip for ip in _ANYWHERE if ip.version == 4 or (binding.protocol != "sctp" and _has_ipv6())
    ]


def _default_address(network: Network) -> Address | None:
    """Where ports are published that name no address; None for all addresses of the host."""
    chosen = network.options.get(HOST_BINDING_OPTION, "0.0.0.0")
    if chosen != "0.0.0.0":
        return ip_address(chosen)
    return publish_address()


def _container_address(endpoint: Endpoint, host_ip: Address) -> Address | None:
    if host_ip.version == 6 and endpoint.ipv6:
        return endpoint.ipv6.ip
    return endpoint.ipv4.ip if endpoint.ipv4 else None


def _has_ipv6() -> bool:
    """Whether an address of the host may be bound by IPv6."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


# ---- claiming a port


def _claim_somewhere(
    store: Store, wanted: list[PublishedPort], offered: tuple[int, int], earlier: list[_Claim]
) -> list[_Claim]:
    first, last = offered
    if first == last != 0:
        return _claim_port(store, wanted, first, earlier)
    failure = _PortTaken("all ports are allocated")
    for port in _candidates(store, wanted[0].protocol, first, last):
        try:
            return _claim_port(store, wanted, port, earlier)
        except _PortTaken as error:
            failure = error
    raise failure


def _candidates(store: Store, protocol: str, first: int, last: int) -> Sequence[int]:
    if first:
        return range(first, last + 1)
    low, high = map(int, _EPHEMERAL_RANGE.read_text().split())
    start = next_ephemeral_port(store, protocol, low, high)
    size = high - low + 1
    return [low + (start - low + number) % size for number in range(min(size, _ATTEMPTS))]


def _claim_port(
    store: Store, wanted: list[PublishedPort], host_port: int, earlier: list[_Claim]
) -> list[_Claim]:
    with ExitStack() as undo:
        claims: list[_Claim] = []
        for template in wanted:
            port = replace(template, host_port=host_port)
            for claim in [*earlier, *claims]:
                if _collides(claim.port, port):
                    raise _PortTaken(_already_allocated(claim.port))
            try:
                bound = undo.enter_context(_bound_socket(port))
            except OSError as error:
                raise _PortTaken(_why_not(store, port, error)) from error
            claims.append(_Claim(port, bound))
        undo.pop_all()
    return claims


def _collides(one: PublishedPort, other: PublishedPort) -> bool:
    return (
        one.protocol == other.protocol
        and one.host_port == other.host_port
        and overlap(one.host_ip, other.host_ip)
    )


def _bound_socket(port: PublishedPort) -> socket.socket:
    kind, protocol = _PROTOCOLS[port.protocol]
    family = socket.AF_INET if port.host_ip.version == 4 else socket.AF_INET6
    bound = socket.socket(family, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if port.protocol == "udp":
            # So that a forwarder can answer from the address that was asked.
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
            else:
                bound.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        _bind(bound, (str(port.host_ip), port.host_port))
    except OSError:
        bound.close()
        raise
    return bound


def _bind(bound: socket.socket, address: tuple[str, int]) -> None:
    try:
        bound.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or bound.type == socket.SOCK_DGRAM:
            raise
        # Connections of an earlier holder that are still being closed are in nobody's way. Not at
        # once: two that both say so may have one port until one of them listens, socket(7).
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)


def _why_not(store: Store, port: PublishedPort, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        owner = owner_of_port(store, port.protocol, port.host_ip, port.host_port)
        if owner is not None and owner.container_id != port.container_id:
            return _already_allocated(owner)
    return f"failed to bind host port {_host_end(port)}/{port.protocol}: {reason(error)}"


def _already_allocated(owner: PublishedPort) -> str:
    return f"Bind for {owner.host_ip}:{owner.host_port} failed: port is already allocated"


def _host_end(port: PublishedPort) -> str:
    host = f"[{port.host_ip}]" if port.host_ip.version == 6 else str(port.host_ip)
    return f"{host}:{port.host_port}"


# ---- once it is ours


def _open_the_way(network: Network, endpoint: Endpoint, ports: list[PublishedPort]) -> None:
    if any(port.host_ip.is_unspecified or port.host_ip.is_loopback for port in ports):
        # The host's own 127.0.0.1 to a container; the packet filter guards what else that opens.
        set_sysctl(f"ipv4/conf/{network.bridge}/route_localnet", "1")
    try:
        filters_bridged = _BRIDGE_FILTERING.read_text().strip() == "1"
    except FileNotFoundError:
        filters_bridged = False
    if filters_bridged:
        # Then the translation happens inside the bridge, and a container that speaks to a port
        # of its own is answered through the port of the bridge its question came from.
        with RouteSocket() as host:
            link = host.link(endpoint.host_link)
            if link is not None:
                host.request(netlink.set_hairpin(link.index))


def _listen(claims: Sequence[_Claim]) -> None:
    for claim in claims:
        if claim.port.protocol != "udp":
            claim.socket.listen(socket.SOMAXCONN)
            # Connections inherit it, and then do not keep the next holder from the port for the
            # minute after they were closed. Before it listened it would have let others in.
            claim.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
