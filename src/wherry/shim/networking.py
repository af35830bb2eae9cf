"""What the supervisor serves for a container's networks: published ports and its name service."""

import socket
from collections.abc import Sequence
from ipaddress import ip_address

from wherry.network.connected import Connected
from wherry.network.name_sockets import NameSockets
from wherry.network.nameservers import Server
from wherry.network.ports import Published
from wherry.network.resolve import Remembered, Resolver
from wherry.shim.keepsakes import Busy, Keepsakes, Kept
from wherry.shim.loop import READ, Loop
from wherry.store.published_ports import PublishedPort
from wherry.store.store import DATABASE, Store
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.shim.names import NameService


class Networking:
    """The network side of one run. Joining and leaving networks changes what is served."""

    def __init__(
        self,
        loop: Loop,
        store: Store,
        container_id: str,
        connected: Connected,
    ) -> None:
        self._loop = loop
        self._store = store
        self._container_id = container_id
        self._names: NameService | None = None
        self.connected = Connected()
        self.serve(connected)

    def serve(self, connected: Connected) -> None:
        """Serve `connected` from now on; its ports were not watched until now."""
        published = connected.published
        if published is not None and not published.is_open:
            published = None  # they could not be published again by another network
        self.connected = Connected(published=published, names=connected.names)
        if published is not None:
            self._loop.watch(published.fileno(), READ, lambda _events: self._forward(published))
        if connected.names is not None and self._names is None:
            from wherry.shim.names import NameService  # for networks that have names

            resolver = connected.resolver or Resolver(self._store, self._container_id)
            self._names = NameService(self._loop, resolver, connected.names)

    def note(self) -> None:
        """Note what is worth it for another process, while the database is open."""
        if self._names is not None:
            self._names.note()

    def lay_down(self, kept: Keepsakes) -> Kept:
        """What another process needs to go on with this; Busy while something is on its way."""
        names = None if self._names is None else self._names.lay_down(kept)
        published = self.connected.published
        return None if published is None else _lay_down_ports(published, kept), names

    @property
    def stand_ins(self) -> set[int]:
        """Descriptors that the loop watches in place of those that `lay_down` keeps."""
        published = self.connected.published
        return {published.fileno()} if published is not None else set()

    def pause(self) -> Connected:
        """No longer watch the ports, which are about to be changed; what is open."""
        if self.connected.published is not None:
            self._loop.forget(self.connected.published.fileno())
        return self.connected

    def close(self) -> None:
        connected, self.connected = self.pause(), Connected()
        names, self._names = self._names, None
        if names is not None:
            names.close()
        if connected.published is not None:
            connected.published.close()

    def process_reaped(self, pid: int) -> None:
        """A child of ours has ended; it may have been what forwards for the ports."""
        published = self.connected.published
        if published is not None and published.forwarder_pid == pid:
            published.forwarder_ended()

    def _forward(self, published: Published) -> None:
        """Something has come to a port that the packet filter cannot carry."""
        published.forward()


def _lay_down_ports(published: Published, kept: Keepsakes) -> Kept:
    if published.forwarder_pid:  # it dies with us
        raise Busy
    return [
        (
            kept.add(descriptor, READ if watched else -1),
            port.protocol,
            str(port.host_ip),
            port.host_port,
            str(port.container_ip),
            port.container_port,
        )
        for port, descriptor, watched in published.sockets
    ]


def connected_again(
    store: Store, container_id: str, kept: Kept, descriptors: Sequence[int], resolver: Resolver
) -> Connected:
    """What `Networking.lay_down` has kept, open again in this process."""
    ports, names = kept
    return Connected(
        published=None if ports is None else _ports_again(store, container_id, ports, descriptors),
        names=None if names is None else _names_again(names, descriptors),
        resolver=resolver,
    )


def resolver_again(store: Store, container_id: str, kept: Kept) -> Resolver:
    """A resolver that knows what the name service has noted before it went to sleep."""
    noted = None if kept is None or kept[1] is None else kept[1][-1]
    remembered = None if noted is None else Remembered(store.root / DATABASE, noted)
    return Resolver(store, container_id, remembered)


def answer_early(resolver: Resolver, kept: Kept, descriptors: Sequence[int]) -> None:
    """Answer whoever has asked for a name, before all else is open again."""
    names = None if kept is None else kept[1]
    if names is None:
        return
    from wherry.shim.names import answer_waiting  # for networks that have names

    udp = socket.socket(fileno=descriptors[names[0]])
    try:
        answer_waiting(resolver, udp)
    finally:
        udp.detach()


def _ports_again(
    store: Store, container_id: str, kept: Kept, descriptors: Sequence[int]
) -> Published:
    sockets = []
    for place, protocol, host_ip, host_port, container_ip, container_port in kept:
        port = PublishedPort(
            protocol=protocol,
            host_ip=ip_address(host_ip),
            host_port=host_port,
            container_id=container_id,
            container_ip=ip_address(container_ip),
            container_port=container_port,
        )
        sockets.append((port, descriptors[place]))
    return Published.take_up(store, container_id, sockets)


def _names_again(kept: Kept, descriptors: Sequence[int]) -> NameSockets:
    udp, tcp, netns, servers, _noted = kept
    return NameSockets(
        socket.socket(fileno=descriptors[udp]),
        socket.socket(fileno=descriptors[tcp]),
        descriptors[netns],
        tuple(Server(ip_address(address), from_host) for address, from_host in servers),
    )
