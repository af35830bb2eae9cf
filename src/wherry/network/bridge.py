"""The bridge of a network on the host, made by the first container that needs it.

It is put up last, so one that is up is complete; whoever finds it down goes through all the
steps again, each of which can be repeated.
"""

import errno
import os
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from pathlib import Path

from wherry.errors import Conflict, Internal
from wherry.linux import netlink
from wherry.linux.netlink import Link, RouteSocket
from wherry.store.addresses import mac_address_for
from wherry.store.gateway_modes import bridge_has_address
from wherry.store.networks import Network

_SYSCTL = Path("/proc/sys/net")


class NotABridge(Conflict):
    def __init__(self, link: Link) -> None:
        super().__init__(f"link {link.name} is there already and is no bridge")


class SubnetReachedElsewhere(Conflict):
    def __init__(self, network: Network, destination: object) -> None:
        super().__init__(
            f"cannot create network {network.id} ({network.bridge}): the host has a route to"
            f" {destination}, which overlaps with the subnet of network {network.name}",
            hint="remove the route, or the network and make it again with another --subnet",
        )


def ensure_bridge(host: RouteSocket, network: Network) -> Link:
    """The bridge of `network`, complete and up."""
    link = host.link(network.bridge)
    # Another hardware address is that of an earlier network, whose database was removed, or of
    # somebody else's bridge: it may lack our addresses.
    if link is not None and link.is_up and link.mac_address == _mac_address(network):
        return link
    return _make_bridge(host, network, link)


def _mac_address(network: Network) -> str:
    addresses = gateway_addresses(network)
    return mac_address_for(network.id, addresses[0] if addresses else None)


def _make_bridge(host: RouteSocket, network: Network, link: Link | None) -> Link:
    addresses = gateway_addresses(network)
    if link is None:
        try:
            _check_routes(host, network)
        except SubnetReachedElsewhere:
            # Or by the bridge itself, which somebody else has made since we looked.
            link = host.link(network.bridge)
            if link is None:
                raise
    if link is None:
        host.request(
            netlink.new_bridge(network.bridge, _mac_address(network), network.mtu),
            ignoring=frozenset({errno.EEXIST}),  # by somebody who runs a container as well
        )
        link = host.link(network.bridge)
    if link is None:
        raise Internal(f"bridge {network.bridge} has been removed while it was being made")
    if link.kind != "bridge":
        raise NotABridge(link)
    _set_sysctls(network)
    given = (netlink.new_address(link.index, address) for address in addresses)
    host.request(*given, netlink.set_link_up(network.bridge))
    return link


def remove_bridge(host: RouteSocket, network: Network) -> None:
    """Remove the bridge, unless somebody else had made it and it was only put to use."""
    link = host.link(network.bridge)
    if link is not None and link.mac_address == _mac_address(network):
        host.request(netlink.delete_link(network.bridge), ignoring=frozenset({errno.ENODEV}))


def gateway_addresses(network: Network) -> list[IPv4Interface | IPv6Interface]:
    """What the bridge itself has in each subnet."""
    return [
        ip_interface(f"{pool.gateway}/{pool.subnet.prefixlen}")
        for pool in network.subnets
        if pool.gateway is not None and bridge_has_address(network.options, pool.subnet.version)
    ]


def _check_routes(host: RouteSocket, network: Network) -> None:
    """The subnet was free when the network was made; a VPN may have come since.

    One that the user chose is the user's business.
    """
    if network.chosen_subnets:
        return
    for route in host.routes():
        for pool in network.subnets:
            if (
                route.destination.prefixlen
                and route.destination.version == pool.subnet.version
                and route.destination.overlaps(pool.subnet)
            ):
                raise SubnetReachedElsewhere(network, route.destination)


def _set_sysctls(network: Network) -> None:
    set_sysctl("ipv4/ip_forward", "1")
    if network.enable_ipv6 and bridge_has_address(network.options, 6):
        set_sysctl("ipv6/conf/all/forwarding", "1")
        # A container is no router of the host's, whatever it announces.
        set_sysctl(f"ipv6/conf/{network.bridge}/accept_ra", "0")
    else:
        # Without this the host would answer containers on a link-local address.
        set_sysctl(f"ipv6/conf/{network.bridge}/disable_ipv6", "1")


def set_sysctl(name: str, value: str) -> None:
    """Set net sysctl `name` of the current namespace, unless it is so or there is no such thing.

    Reading first, because a host may have it right and /proc/sys read-only.
    """
    try:
        descriptor = os.open(_SYSCTL / name, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # a kernel without IPv6
    try:
        if os.read(descriptor, 64).strip() == value.encode():
            return
    finally:
        os.close(descriptor)
    descriptor = os.open(_SYSCTL / name, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)
