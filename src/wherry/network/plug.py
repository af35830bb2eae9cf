"""Putting a container on a network, and clearing up after those that are gone.

    host namespace                                   container's namespace
    wherry0 172.30.0.1 ── wh0123456789ab7  <veth>  eth0 172.30.0.2, default via 172.30.0.1

The far end is made in the container's namespace at once; nothing of the container's /proc or
files is used. Nobody unplugs: with its namespace the veth goes, both ends. What else belongs to
a container, rows and elements of the packet filter, `sweep` finds by the container's ID.
"""

import errno
import os
from collections.abc import Collection, Mapping
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_interface,
)

from wherry.errors import Internal
from wherry.go_text import reason
from wherry.linux import netlink
from wherry.linux.netlink import RouteSocket
from wherry.network import firewall
from wherry.network.bridge import ensure_bridge, set_sysctl
from wherry.network.endpoint_options import sysctls_of
from wherry.network.sub_links import make_sub_link
from wherry.store.networks import (
    Endpoint,
    Network,
    containers_with_endpoints,
    is_container_link,
    list_networks,
    release_endpoints,
)
from wherry.store.published_ports import containers_with_ports
from wherry.store.store import Store


class PlugFailed(Internal):
    def __init__(self, network: Network, endpoint: Endpoint, error: OSError) -> None:
        text = error.strerror or str(error)
        super().__init__(
            "failed to set up container networking: "
            + (
                "failed to create endpoint"
                f" {endpoint.container_id[:12]} on network {network.name}: {error.filename}: {text}"
                if endpoint.host_link
                else f"failed to create the {network.driver} port: {reason(error)}"
            )
        )


def plug(
    store: Store,
    network: Network,
    endpoint: Endpoint,
    netns_fd: int,
    default_routes: Collection[int] = (4, 6),
) -> None:
    """Join the namespace behind `netns_fd` to `network` as `endpoint` says.

    `default_routes` are the IP versions whose way out leads by this network. Can be repeated after
    a failure at any step. The caller must be in the host's namespace; only this thread leaves it,
    for a moment.
    """
    if not endpoint.interface:
        if network.driver != "host":
            loopback_up(netns_fd)
        return
    try:
        with RouteSocket() as host:
            if endpoint.host_link:
                firewall.ensure(store)
                _make_pair(host, network, endpoint, netns_fd)
            else:
                make_sub_link(host, network, endpoint, netns_fd)
        store.trace("link made")
        _configure(network, endpoint, netns_fd, default_routes)
    except OSError as error:
        raise PlugFailed(network, endpoint, error) from error


def unplug(endpoint: Endpoint, netns_fd: int) -> None:
    """Take a running container's link away, both ends."""
    if endpoint.interface:
        with RouteSocket(netns_fd) as container:
            gone = frozenset({errno.ENODEV})
            container.request(netlink.delete_link(endpoint.interface), ignoring=gone)


def set_default_routes(chosen: Mapping[int, tuple[Network, Endpoint]], netns_fd: int) -> None:
    """Make a running container's ways out lead by these networks, for each IP version."""
    with RouteSocket(netns_fd) as container:
        for version in (4, 6):
            missing = frozenset({errno.ESRCH, errno.EAFNOSUPPORT, errno.EOPNOTSUPP})
            container.request(netlink.delete_default_route(version), ignoring=missing)
            if version not in chosen:
                continue
            network, endpoint = chosen[version]
            link = container.link(endpoint.interface)
            gateway = endpoint.gateway if version == 4 else endpoint.ipv6_gateway
            if link is not None and gateway is not None:
                container.request(_default_route(network, gateway, link.index))


def loopback_up(netns_fd: int) -> None:
    """Put up `lo` in a namespace, which gets 127.0.0.1 and ::1 by that."""
    with RouteSocket(netns_fd) as container:
        container.request(netlink.set_link_up("lo"))


def _make_pair(host: RouteSocket, network: Network, endpoint: Endpoint, netns_fd: int) -> None:
    bridge = ensure_bridge(host, network)
    pair = netlink.new_veth(
        endpoint.host_link,
        master=bridge.index,
        mtu=network.mtu,
        peer=netlink.Peer(
            name=endpoint.interface, netns_fd=netns_fd, mac_address=endpoint.mac_address
        ),
    )
    try:
        host.request(pair)
    except FileExistsError:
        # Left by a start that was killed, or the kernel is still at taking it down.
        host.request(netlink.delete_link(endpoint.host_link), ignoring=frozenset({errno.ENODEV}))
        host.request(pair)
    if not network.lets_containers_talk:
        # What the packet filter forbids never gets there: a bridge does not ask it.
        link = host.link(endpoint.host_link)
        if link is not None:
            host.request(netlink.set_isolated(link.index))


def _configure(
    network: Network, endpoint: Endpoint, netns_fd: int, default_routes: Collection[int]
) -> None:
    name = endpoint.interface
    with netlink.entered(netns_fd):
        container = RouteSocket()
        # Before it is up: without IPv6 it would draw a link-local address and announce it.
        set_sysctl(f"ipv6/conf/{name}/disable_ipv6", "0" if network.enable_ipv6 else "1")
        if network.bridge and network.enable_ipv6:
            # Its routes are those we give it, not what a neighbour announces.
            set_sysctl(f"ipv6/conf/{name}/accept_ra", "0")
        for path, value in sysctls_of(endpoint.driver_options, name).items():
            set_sysctl(path, value)
    with container:
        container.request(netlink.set_link_up("lo"), netlink.set_link_up(name))
        link = container.link(name)
        if link is None:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), name)
        addresses = [address for address in (endpoint.ipv4, endpoint.ipv6) if address]
        addresses += map(_link_local, endpoint.link_local_ips)
        gateways = [
            gateway
            for gateway in (endpoint.gateway, endpoint.ipv6_gateway)
            if gateway and gateway.version in default_routes
        ]
        container.request(
            *(netlink.new_address(link.index, address) for address in addresses),
            *(_default_route(network, gateway, link.index) for gateway in gateways),
        )


def _link_local(text: str) -> IPv4Interface | IPv6Interface:
    address = ip_address(text)
    return ip_interface(f"{address}/{16 if address.version == 4 else 64}")


def _default_route(
    network: Network, gateway: IPv4Address | IPv6Address, link_index: int
) -> netlink.Message:
    if network.is_routed:
        return netlink.new_default_link(gateway.version, link_index)
    return netlink.new_default_route(gateway, link_index)


def sweep(store: Store, live_container_ids: Collection[str]) -> None:
    """Remove what is left of containers that no longer live: links, elements of maps, rows.

    Only what this installation made is looked at. A container that is being started counts as
    living from before its first row until its end.
    """
    live = set(live_container_ids)
    gone = (containers_with_ports(store) | containers_with_endpoints(store)) - live
    for container_id in gone:
        firewall.withdraw_ports(store, container_id)
        release_endpoints(store, container_id)
    short = {container_id[:12] for container_id in live}
    bridges = {network.bridge for network in list_networks(store) if network.bridge}
    with RouteSocket() as host:
        links = host.links()
        ours = {link.index for link in links if link.name in bridges}
        for link in links:
            if (
                link.master in ours
                and is_container_link(link.name)
                and link.name[2:14] not in short
            ):
                # ENODEV: its namespace came to an end meanwhile.
                host.request(netlink.delete_link(link.name), ignoring=frozenset({errno.ENODEV}))


def remove_bridge_if_unused(store: Store) -> bool:
    """Take the bridges and the packet filter's table from the host if no container uses them."""
    if containers_with_endpoints(store):
        return False
    bridges = [network.bridge for network in list_networks(store) if network.bridge]
    with RouteSocket() as host:
        for bridge in bridges:
            host.request(netlink.delete_link(bridge), ignoring=frozenset({errno.ENODEV}))
    firewall.remove(store)
    return True
