"""Links, addresses and routes by rtnetlink(7), and the ruleset's generation by nfnetlink.

A request is a list of messages, made by the functions below and sent together: the kernel
handles them in order within the one sendmsg(2), so their answers are there when it returns.

    with RouteSocket() as host:
        bridge = host.link("wherry0")
        host.request(new_veth("wv0", master=bridge.index, peer=Peer(...)))

A link's index is not known before it exists, hence what needs one is a second request.
"""

import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import IntEnum, IntFlag
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)

from wherry.linux.namespaces import CloneFlag, join_namespace
from wherry.typed import Self
from wherry.values import dataclass

_SOL_NETLINK = 270
_NETLINK_ADD_MEMBERSHIP = 1
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_NLA_F_NESTED = 0x8000
_NLA_TYPE_MASK = 0x3FFF
_NLM_F_CAPPED = 0x100
_NLM_F_ACK_TLVS = 0x200
_NLMSGERR_ATTR_MSG = 1

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ATTRIBUTE = struct.Struct("=HH")  # nlattr: length, type
_LINK = struct.Struct("=BxHiII")  # ifinfomsg: family, type, index, flags, change
_ADDRESS = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefix, flags, scope, index
_ROUTE = struct.Struct("=BBBBBBBBI")  # rtmsg: family, dst, src, tos, table, proto, scope, type
_RECEIVE_SIZE = 1 << 16  # more than the kernel puts into a part of a dump


class _Flag(IntFlag):
    REQUEST = 1
    MULTI = 2
    ACK = 4
    REPLACE = 0x100
    EXCL = 0x200
    DUMP = 0x300
    CREATE = 0x400


class _Kind(IntEnum):
    ERROR = 2
    DONE = 3
    NEWLINK = 16
    DELLINK = 17
    GETLINK = 18
    SETLINK = 19
    NEWADDR = 20
    GETADDR = 22
    NEWROUTE = 24
    DELROUTE = 25
    GETROUTE = 26


class LinkFlag(IntFlag):
    """IFF_*, netdevice(7)."""

    UP = 1
    RUNNING = 0x40


class _Ifla(IntEnum):
    ADDRESS = 1
    IFNAME = 3
    MTU = 4
    LINK = 5
    MASTER = 10
    PROTINFO = 12
    LINKINFO = 18
    NET_NS_FD = 28
    EXT_MASK = 29
    NUM_TX_QUEUES = 31
    NUM_RX_QUEUES = 32


_RTEXT_FILTER_SKIP_STATS = 8
_INFO_KIND = 1
_INFO_DATA = 2
_VETH_INFO_PEER = 1
_BRPORT_MODE = 4  # IFLA_BRPORT_MODE: hairpin
_BRPORT_ISOLATED = 33
_MACVLAN_MODE, _IPVLAN_MODE, _IPVLAN_FLAGS, _VLAN_ID = 1, 1, 2, 1
_IFA_F_NODAD, _IFA_F_PERMANENT = 2, 0x80
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_RT_TABLE_MAIN, _RTPROT_BOOT, _RTN_UNICAST = 254, 3, 1
_RT_SCOPE_UNIVERSE, _RT_SCOPE_LINK, _RT_SCOPE_NOWHERE = 0, 253, 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """What RTM_GETLINK tells of an interface. `master` is the index of its bridge, or 0."""

    index: int
    name: str
    flags: LinkFlag
    mtu: int
    master: int
    kind: str
    mac_address: str

    @property
    def is_up(self) -> bool:
        return LinkFlag.UP in self.flags


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A unicast route of the main table. `destination` has prefix 0 for a default route."""

    destination: IPv4Network | IPv6Network
    gateway: IPv4Address | IPv6Address | None
    link_index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """The other end of a veth pair, made directly in the namespace behind `netns_fd`."""

    name: str
    netns_fd: int
    mac_address: str


@dataclass(frozen=True, slots=True)
class Message:
    """A request before it has a sequence number. `about` names its subject in an error."""

    kind: int
    flags: int
    body: bytes
    about: str


@contextmanager
def entered(netns_fd: int) -> Iterator[None]:
    """Run the block in a network namespace, in this thread only; sockets opened there stay there.

    A process that cannot return would go on in a container's namespace, so that raises.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        join_namespace(netns_fd, CloneFlag.NEWNET)
        try:
            yield
        finally:
            join_namespace(home, CloneFlag.NEWNET)
    finally:
        os.close(home)


class NetlinkSocket(AbstractContextManager["NetlinkSocket"]):
    """A netlink socket of the namespace it was opened in."""

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol
        )
        # Answers without a copy of the request, but with the kernel's sentence on what is wrong.
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        self._sequence = 0

    def close(self) -> None:
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def join_group(self, number: int) -> None:
        """Have the kernel tell unasked what happens in a multicast group; see `arrived`."""
        self._socket.bind((0, 0))  # who has no number of his own is told nothing
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, number)
        self._socket.setblocking(False)

    def arrived(self) -> Iterator[tuple[int, bytes]]:
        """Kind and body of each message that has come of itself, without waiting for more.

        Raises OSError, ENOBUFS, when some were lost.
        """
        while True:
            try:
                data = self._socket.recv(_RECEIVE_SIZE)
            except BlockingIOError:
                return
            for kind, _, _, body in _split(data):
                yield kind, body

    def request(self, *messages: Message, ignoring: frozenset[int] = frozenset()) -> list[bytes]:
        """Send all messages at once; the bodies of the answers, in order.

        Raises OSError for the first that failed with an errno not in `ignoring`. The others
        were carried out nonetheless: the kernel does not stop at a failure.
        """
        if not messages:
            return []  # the kernel takes no packet without any
        first = self._sequence + 1
        packed = []
        for message in messages:
            self._sequence += 1
            packed.append(_pack(message, _Flag.ACK, self._sequence))
        self._socket.send(b"".join(packed))
        answers: list[bytes] = []
        failure: OSError | None = None
        awaited = len(messages)
        while awaited:
            for kind, flags, sequence, body in _split(self._socket.recv(_RECEIVE_SIZE)):
                if not first <= sequence <= self._sequence:
                    continue  # of an earlier request that was interrupted by an exception
                if kind != _Kind.ERROR:
                    answers.append(body)
                    continue
                awaited -= 1
                error = _error(flags, body, messages[sequence - first].about)
                if error and failure is None and error.errno not in ignoring:
                    failure = error
        if failure:
            raise failure
        return answers

    def dump(self, message: Message) -> Iterator[bytes]:
        """The bodies of everything that `message`, a GET request, asks for."""
        self._sequence += 1
        self._socket.send(_pack(message, _Flag.DUMP, self._sequence))
        while True:
            for kind, flags, sequence, body in _split(self._socket.recv(_RECEIVE_SIZE)):
                if sequence != self._sequence:
                    continue
                if kind == _Kind.DONE:
                    return
                if kind == _Kind.ERROR:
                    if error := _error(flags, body, message.about):
                        raise error
                    return
                yield body


def _pack(message: Message, flags: int, sequence: int) -> bytes:
    length = _HEADER.size + len(message.body)
    header = _HEADER.pack(length, message.kind, message.flags | flags | _Flag.REQUEST, sequence, 0)
    return header + message.body + bytes(-length % 4)


def _split(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
        yield kind, flags, sequence, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3


def _error(flags: int, body: bytes, about: str) -> OSError | None:
    (number,) = struct.unpack_from("=i", body)
    if number == 0:
        return None
    error = OSError(-number, os.strerror(-number), about)
    if flags & _NLM_F_ACK_TLVS and flags & _NLM_F_CAPPED:
        sentence = attributes(body, 4 + _HEADER.size).get(_NLMSGERR_ATTR_MSG)
        if sentence:
            error.add_note(f"the kernel says: {_text(sentence)}")
    return error


def attribute(kind: int, data: bytes) -> bytes:
    """A netlink attribute, padded to four bytes."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(data), kind) + data + bytes(-len(data) % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind | _NLA_F_NESTED, b"".join(parts))


def attributes(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """The attributes in `data` from `offset` on."""
    found: dict[int, bytes] = {}
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _NLA_TYPE_MASK] = data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return found


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="replace")


def _int(data: bytes) -> int:
    return int.from_bytes(data, sys.byteorder)


def _name(name: str) -> bytes:
    return attribute(_Ifla.IFNAME, os.fsencode(name) + b"\0")


def _number(kind: int, number: int) -> bytes:
    return attribute(kind, struct.pack("=I", number))


def _mac(mac_address: str) -> bytes:
    return attribute(_Ifla.ADDRESS, bytes.fromhex(mac_address.replace(":", "")))


# ---- links, rtnetlink(7) and if_link.h


class RouteSocket(NetlinkSocket):
    """rtnetlink(7) in the namespace of the caller, or in the one behind `netns_fd`."""

    def __init__(self, netns_fd: int | None = None) -> None:
        if netns_fd is None:
            super().__init__(socket.NETLINK_ROUTE)
        else:
            with entered(netns_fd):
                super().__init__(socket.NETLINK_ROUTE)

    def __enter__(self) -> Self:
        return self

    def link(self, name: str) -> Link | None:
        """The interface called `name`, or None."""
        try:
            (body,) = self.request(get_link(name))
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
        return _link(body)

    def links(self) -> list[Link]:
        return [
            _link(body)
            for body in self.dump(Message(_Kind.GETLINK, 0, _LINK.pack(0, 0, 0, 0, 0), "links"))
        ]

    def lasting_addresses(self, link_index: int) -> list[IPv4Interface | IPv6Interface]:
        """The addresses of a link that are good anywhere and stay until they are taken away."""
        request = Message(_Kind.GETADDR, 0, _ADDRESS.pack(0, 0, 0, 0, 0), "addresses")
        return [found for body in self.dump(request) if (found := _lasting(body, link_index))]

    def routes(self) -> list[Route]:
        """The unicast routes of the main table, of both families."""
        request = Message(_Kind.GETROUTE, 0, _ROUTE.pack(0, 0, 0, 0, 0, 0, 0, 0, 0), "routes")
        return [route for body in self.dump(request) if (route := _route(body))]


def _link(body: bytes) -> Link:
    _, _, index, flags, _ = _LINK.unpack_from(body)
    found = attributes(body, _LINK.size)
    info = attributes(found.get(_Ifla.LINKINFO, b""))
    return Link(
        index=index,
        name=_text(found[_Ifla.IFNAME]),
        flags=LinkFlag(flags & (LinkFlag.UP | LinkFlag.RUNNING)),
        mtu=_int(found.get(_Ifla.MTU, b"")),
        master=_int(found.get(_Ifla.MASTER, b"")),
        kind=_text(info.get(_INFO_KIND, b"")),
        mac_address=found.get(_Ifla.ADDRESS, b"").hex(":"),
    )


def _lasting(body: bytes, link_index: int) -> IPv4Interface | IPv6Interface | None:
    _, prefix, flags, scope, index = _ADDRESS.unpack_from(body)
    if index != link_index or scope != _RT_SCOPE_UNIVERSE or not flags & _IFA_F_PERMANENT:
        return None
    found = attributes(body, _ADDRESS.size)
    return ip_interface((found.get(_IFA_LOCAL) or found[_IFA_ADDRESS], prefix))


def _route(body: bytes) -> Route | None:
    family, prefix, _, _, table, _, _, kind, _ = _ROUTE.unpack_from(body)
    if table != _RT_TABLE_MAIN or kind != _RTN_UNICAST:
        return None
    found = attributes(body, _ROUTE.size)
    anywhere = bytes(4 if family == socket.AF_INET else 16)
    gateway = found.get(_RTA_GATEWAY)
    return Route(
        destination=ip_network((found.get(_RTA_DST, anywhere), prefix)),
        gateway=ip_address(gateway) if gateway else None,
        link_index=_int(found.get(_RTA_OIF, b"")),
    )


def get_link(name: str) -> Message:
    # Counting what a bridge has carried takes longer than all the rest.
    body = _name(name) + _number(_Ifla.EXT_MASK, _RTEXT_FILTER_SKIP_STATS)
    return Message(_Kind.GETLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + body, name)


def new_bridge(name: str, mac_address: str, mtu: int) -> Message:
    """A bridge, down. With an address given it does not take over that of its lowest port."""
    body = _LINK.pack(0, 0, 0, 0, 0) + _name(name) + _mac(mac_address) + _number(_Ifla.MTU, mtu)
    return Message(_Kind.NEWLINK, _CREATE, body + _kind_of_link("bridge"), name)


def new_veth(name: str, *, master: int, mtu: int, peer: Peer) -> Message:
    """A veth pair whose near end is up and a port of the bridge with index `master`."""
    # Unasked a veth gets a queue for each processor, which it uses only under XDP.
    queues = _number(_Ifla.NUM_TX_QUEUES, 1) + _number(_Ifla.NUM_RX_QUEUES, 1)
    far_end = (
        _LINK.pack(0, 0, 0, 0, 0)
        + _name(peer.name)
        + _mac(peer.mac_address)
        + _number(_Ifla.MTU, mtu)
        + queues
        + _number(_Ifla.NET_NS_FD, peer.netns_fd)
    )
    body = (
        _LINK.pack(0, 0, 0, LinkFlag.UP, LinkFlag.UP)
        + _name(name)
        + _number(_Ifla.MTU, mtu)
        + queues
        + _number(_Ifla.MASTER, master)
        + _kind_of_link("veth", nested(_INFO_DATA, nested(_VETH_INFO_PEER, far_end)))
    )
    return Message(_Kind.NEWLINK, _CREATE, body, name)


_CREATE = _Flag.CREATE | _Flag.EXCL


def _kind_of_link(kind: str, *data: bytes) -> bytes:
    return nested(_Ifla.LINKINFO, attribute(_INFO_KIND, kind.encode()), *data)


def set_link_up(name: str) -> Message:
    body = _LINK.pack(0, 0, 0, LinkFlag.UP, LinkFlag.UP) + _name(name)
    return Message(_Kind.NEWLINK, 0, body, name)


def move_link(index: int, name: str, netns_fd: int) -> Message:
    """Put a link into the namespace behind `netns_fd`, called `name` there."""
    body = _LINK.pack(0, 0, index, 0, 0) + _name(name) + _number(_Ifla.NET_NS_FD, netns_fd)
    return Message(_Kind.NEWLINK, 0, body, name)


def new_sub_link(
    kind: str, data: bytes, *, parent: int, mtu: int, peer: Peer, about: str
) -> Message:
    """A macvlan or ipvlan link on `parent`, made in the namespace of `peer` under its name."""
    body = (
        _LINK.pack(0, 0, 0, 0, 0)
        + _name(peer.name)
        + (_mac(peer.mac_address) if peer.mac_address else b"")
        + (_number(_Ifla.MTU, mtu) if mtu else b"")
        + _number(_Ifla.LINK, parent)
        + _number(_Ifla.NET_NS_FD, peer.netns_fd)
        + _kind_of_link(kind, nested(_INFO_DATA, data))
    )
    return Message(_Kind.NEWLINK, _CREATE, body, about)


def macvlan_data(mode: int) -> bytes:
    return _number(_MACVLAN_MODE, mode)


def ipvlan_data(mode: int, flags: int) -> bytes:
    return attribute(_IPVLAN_MODE, struct.pack("=H", mode)) + attribute(
        _IPVLAN_FLAGS, struct.pack("=H", flags)
    )


def new_vlan(name: str, *, parent: int, number: int) -> Message:
    """The link for one VLAN, 802.1q, of `parent`."""
    data = nested(_INFO_DATA, attribute(_VLAN_ID, struct.pack("=H", number)))
    body = (
        _LINK.pack(0, 0, 0, LinkFlag.UP, LinkFlag.UP)
        + _name(name)
        + _number(_Ifla.LINK, parent)
        + _kind_of_link("vlan", data)
    )
    return Message(_Kind.NEWLINK, _CREATE, body, name)


def new_dummy(name: str) -> Message:
    """A link that leads nowhere."""
    body = _LINK.pack(0, 0, 0, LinkFlag.UP, LinkFlag.UP) + _name(name) + _kind_of_link("dummy")
    return Message(_Kind.NEWLINK, _CREATE, body, name)


def set_hairpin(index: int) -> Message:
    """Let a bridge port send a frame back where it came from."""
    return _set_port(index, _BRPORT_MODE)


def set_isolated(index: int) -> Message:
    """Let a bridge port speak to the bridge, and to no other port that is isolated."""
    return _set_port(index, _BRPORT_ISOLATED)


def _set_port(index: int, option: int) -> Message:
    body = _LINK.pack(socket.AF_BRIDGE, 0, index, 0, 0) + nested(
        _Ifla.PROTINFO, attribute(option, b"\1")
    )
    return Message(_Kind.SETLINK, 0, body, f"port {index}")


def delete_link(name: str) -> Message:
    return Message(_Kind.DELLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _name(name), name)


# ---- addresses and routes


def new_address(link_index: int, interface: IPv4Interface | IPv6Interface) -> Message:
    """Give a link an address; for IPv4 with the broadcast address of its subnet."""
    family = socket.AF_INET if interface.version == 4 else socket.AF_INET6
    local = interface.ip.packed
    # We hand addresses out: asking the others first would only leave this one unusable meanwhile.
    flags = 0 if interface.version == 4 else _IFA_F_NODAD
    body = _ADDRESS.pack(family, interface.network.prefixlen, flags, _RT_SCOPE_UNIVERSE, link_index)
    body += attribute(_IFA_LOCAL, local) + attribute(_IFA_ADDRESS, local)
    if interface.version == 4:
        body += attribute(_IFA_BROADCAST, interface.network.broadcast_address.packed)
    return Message(_Kind.NEWADDR, _Flag.CREATE | _Flag.REPLACE, body, str(interface))


def new_default_route(gateway: IPv4Address | IPv6Address, link_index: int) -> Message:
    body = _default_route(gateway.version, link_index) + attribute(_RTA_GATEWAY, gateway.packed)
    return Message(_Kind.NEWROUTE, _Flag.CREATE | _Flag.REPLACE, body, f"default via {gateway}")


def new_default_link(version: int, link_index: int) -> Message:
    """A default route to a link on which everything is a neighbour, as on ipvlan in mode l3."""
    body = _default_route(version, link_index, scope=_RT_SCOPE_LINK)
    return Message(_Kind.NEWROUTE, _Flag.CREATE | _Flag.REPLACE, body, "default")


def delete_default_route(version: int) -> Message:
    # As ip-route(8) asks when it has no opinion on the scope.
    body = _default_route(version, 0, scope=_RT_SCOPE_NOWHERE)
    return Message(_Kind.DELROUTE, 0, body, "default")


def _default_route(version: int, link_index: int, scope: int = _RT_SCOPE_UNIVERSE) -> bytes:
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    body = _ROUTE.pack(family, 0, 0, 0, _RT_TABLE_MAIN, _RTPROT_BOOT, scope, _RTN_UNICAST, 0)
    return body + (_number(_RTA_OIF, link_index) if link_index else b"")
