"""Where a container's name service listens: at 127.0.0.11, inside the container's namespace.

The sockets have ports of the kernel's choice, and the namespace's own packet filter leads port
53 of that address to them: programs in the container may have port 53 for themselves. Who holds
the sockets, the shim, need not be in the namespace to serve them.
"""

import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from wherry.linux import nftables
from wherry.linux.netlink import entered
from wherry.network.nameservers import NAME_SERVICE, Server
from wherry.values import dataclass

_TABLE = "wherry_names"
_BACKLOG = 64
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class NameSockets:
    """The sockets, the namespace they are in, and who is asked about other names."""

    udp: socket.socket
    tcp: socket.socket
    netns: int
    servers: tuple[Server, ...]

    def close(self) -> None:
        self.udp.close()
        self.tcp.close()
        os.close(self.netns)


class Outgoing:
    """Sockets for questions to resolvers, each for one: its port is drawn when it is connected.

    Entering the container's namespace takes as long as all the rest of a look-up, so that more
    than one is opened at a time.
    """

    def __init__(self, sockets: NameSockets) -> None:
        self._netns = sockets.netns
        self._spare: dict[tuple[int, int], list[socket.socket]] = {}

    def open_towards(self, server: Server, kind: int) -> socket.socket:
        """A socket for a question to `server`, from where it can be reached."""
        family = socket.AF_INET if server.address.version == 4 else socket.AF_INET6
        if server.from_host:
            return socket.socket(family, kind | socket.SOCK_NONBLOCK)
        spare = self._spare.setdefault((family, kind), [])
        if not spare:
            with entered(self._netns):
                spare += (
                    socket.socket(family, kind | socket.SOCK_NONBLOCK) for _ in range(_AT_ONCE)
                )
        return spare.pop()

    def close(self) -> None:
        """Close those that nobody has asked for."""
        for sockets in self._spare.values():
            while sockets:
                sockets.pop().close()


def open_name_sockets(netns_fd: int, servers: Sequence[Server]) -> NameSockets:
    """Listen in the namespace behind `netns_fd`, whose loopback is up."""
    with ExitStack() as undo:
        with entered(netns_fd):
            udp = undo.enter_context(_bound(socket.SOCK_DGRAM))
            tcp = undo.enter_context(_bound(socket.SOCK_STREAM))
            tcp.listen(_BACKLOG)
            nftables.run(_rules(udp.getsockname()[1], tcp.getsockname()[1]))
        sockets = NameSockets(udp, tcp, os.dup(netns_fd), tuple(servers))
        undo.pop_all()
    return sockets


def _bound(kind: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        made.bind((NAME_SERVICE, 0))
    except OSError:
        made.close()
        raise
    return made


def _rules(udp_port: int, tcp_port: int) -> str:
    chain = f"ip {_TABLE} out"
    asked = f"ip daddr {NAME_SERVICE}"
    return "\n".join(
        (
            f"add table ip {_TABLE}",
            f"add chain {chain} {{ type nat hook output priority -100; policy accept; }}",
            f"flush chain {chain}",
            f"add rule {chain} {asked} udp dport 53 dnat to {NAME_SERVICE}:{udp_port}",
            f"add rule {chain} {asked} tcp dport 53 dnat to {NAME_SERVICE}:{tcp_port}",
        )
    )
