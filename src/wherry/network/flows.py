"""Flows that the kernel remembers beyond what they led to.

A UDP client that goes on asking keeps its flow alive: it would go on talking to an address whose
container is gone, and to whichever gets that address next; or to the host itself, when it began
before the port was published.

Asking the kernel takes it through its whole table, some milliseconds. A client of TCP is told by
the kernel of a container that ends, or was refused, and begins anew: nobody asks because of TCP.
"""

import socket
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

from wherry.linux.conntrack import Address, Flow, forget_chosen_flows, forget_flows_to
from wherry.store.published_ports import PublishedPort

_ANYWHERE: dict[int, Address] = {4: IPv4Address("0.0.0.0"), 6: IPv6Address("::")}


def forget_withdrawn(ports: Iterable[PublishedPort]) -> None:
    """What has led to the containers of these ports is to lead to nobody."""
    servers = {port.container_ip for port in ports if port.protocol != "tcp"}
    with suppress(OSError):  # a kernel that does not tell: they end by themselves, in minutes
        if servers:
            forget_flows_to(servers)


def forget_before(ports: Iterable[PublishedPort]) -> None:
    """What clients sent to these ports before they were published is to be led anew."""
    places = {(port.host_ip, port.host_port) for port in ports if port.protocol == "udp"}

    def is_stale(flow: Flow) -> bool:
        if (flow.destination, flow.port) in places:
            return True
        # Not what only passes: somebody's questions to port 53 elsewhere.
        return (
            (_ANYWHERE[flow.destination.version], flow.port) in places
            and flow.destination == flow.server
            and _is_own(flow.destination)
        )

    for version in {host_ip.version for host_ip, _ in places}:
        with suppress(OSError):
            forget_chosen_flows(version, socket.IPPROTO_UDP, is_stale)


def _is_own(address: Address) -> bool:
    """Whether it is an address of this host."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True
