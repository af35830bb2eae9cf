"""The kernel's memory of flows: finding some and having them forgotten, by ctnetlink.

A flow is two tuples: what its first packet looked like, and what the answer to that looks like.
Where addresses are translated they are not each other's mirror image, and packets follow the
flow's translation, whatever the rules say by now, until it is forgotten.
"""

import errno
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from wherry.linux.netlink import Message, NetlinkSocket, attribute, attributes, nested
from wherry.values import dataclass

_NETLINK_NETFILTER = 12
_NFNL_SUBSYS_CTNETLINK = 1
_CT_GET, _CT_DELETE = 1, 2
_NFGENMSG = struct.Struct("!BBH")  # family, version, resource
_CTA_TUPLE_ORIG, _CTA_TUPLE_REPLY, _CTA_ID, _CTA_ZONE, _CTA_FILTER = 1, 2, 12, 18, 25
_CTA_TUPLE_IP, _CTA_TUPLE_PROTO = 1, 2
_CTA_IP_SRC = {4: 1, 6: 3}
_CTA_IP_DST = {4: 2, 6: 4}
_CTA_PROTO_NUM, _CTA_PROTO_DST_PORT = 1, 3
_CTA_FILTER_ORIG_FLAGS, _CTA_FILTER_REPLY_FLAGS = 1, 2
_BY_SOURCE, _BY_PROTOCOL = 1 << 0, 1 << 3
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_GONE = frozenset({errno.ENOENT})

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """`server` is who answers; `destination` and `port` are what the client asked for."""

    destination: Address
    server: Address
    protocol: int
    port: int  # 0 where the protocol has none


def forget_flows_to(servers: Iterable[Address]) -> None:
    """Forget every flow that one of `servers` answers, by whatever address it was asked for."""
    with NetlinkSocket(_NETLINK_NETFILTER) as tracking:
        for server in servers:
            source = nested(_CTA_TUPLE_IP, attribute(_CTA_IP_SRC[server.version], server.packed))
            wanted = nested(_CTA_TUPLE_REPLY, source) + _filter(_CTA_FILTER_REPLY_FLAGS, _BY_SOURCE)
            _forget(tracking, server.version, wanted, lambda flow, at=server: flow.server == at)  # type: ignore[misc]


def forget_chosen_flows(version: int, protocol: int, chosen: Callable[[Flow], bool]) -> None:
    """Forget those flows of a protocol that are `chosen`."""
    wanted = nested(
        _CTA_TUPLE_ORIG,
        nested(_CTA_TUPLE_PROTO, attribute(_CTA_PROTO_NUM, bytes((protocol,)))),
    )
    wanted += _filter(_CTA_FILTER_ORIG_FLAGS, _BY_PROTOCOL)
    with NetlinkSocket(_NETLINK_NETFILTER) as tracking:
        _forget(tracking, version, wanted, lambda flow: flow.protocol == protocol and chosen(flow))


def _filter(direction: int, flags: int) -> bytes:
    return nested(_CTA_FILTER, attribute(direction, struct.pack("=I", flags)))


def _forget(
    tracking: NetlinkSocket, version: int, wanted: bytes, chosen: Callable[[Flow], bool]
) -> None:
    header = _NFGENMSG.pack(_FAMILIES[version], 0, 0)
    listing = Message(_NFNL_SUBSYS_CTNETLINK << 8 | _CT_GET, 0, header + wanted, "flows")
    deletions = []
    for found, flow in _flows(tracking.dump(listing)):
        if chosen(flow):  # kernels before 5.8 list them all
            names = (_CTA_TUPLE_ORIG, _CTA_ZONE, _CTA_ID)  # which one, should it come again
            body = header + b"".join(
                attribute(kind, found[kind]) for kind in names if kind in found
            )
            kind = _NFNL_SUBSYS_CTNETLINK << 8 | _CT_DELETE
            deletions.append(Message(kind, 0, body, "a flow"))
    for deletion in deletions:
        tracking.request(deletion, ignoring=_GONE)


def _flows(bodies: Iterable[bytes]) -> Iterator[tuple[dict[int, bytes], Flow]]:
    for body in bodies:
        version = 4 if body[0] == socket.AF_INET else 6
        found = attributes(body, _NFGENMSG.size)
        original = attributes(found.get(_CTA_TUPLE_ORIG, b""))
        reply = attributes(found.get(_CTA_TUPLE_REPLY, b""))
        protocol = attributes(original.get(_CTA_TUPLE_PROTO, b""))
        destination = attributes(original.get(_CTA_TUPLE_IP, b"")).get(_CTA_IP_DST[version])
        server = attributes(reply.get(_CTA_TUPLE_IP, b"")).get(_CTA_IP_SRC[version])
        if destination and server:
            yield (
                found,
                Flow(
                    destination=ip_address(destination),
                    server=ip_address(server),
                    protocol=protocol.get(_CTA_PROTO_NUM, b"\0")[0],
                    port=int.from_bytes(protocol.get(_CTA_PROTO_DST_PORT, b""), "big"),
                ),
            )
