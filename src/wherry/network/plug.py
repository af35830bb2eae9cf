"""Putting a container on a network, and clearing up after those that are gone.

    host namespace                                   container's namespace
    wherry0 172.30.0.1 ── wh0123456789ab7  <veth>  eth0 172.30.0.2, default via 172.30.0.1

The far end is made in the container's namespace at once; nothing of the container's /proc or
files is used. Nobody unplugs: with its namespace the veth goes, both ends. What else belongs to
a container, rows and elements of the packet filter, `sweep` finds by the container's ID.
"""

import errno
import os
from collections.abc import Collection

from wherry.errors import Internal
from wherry.linux import netlink
from wherry.linux.netlink import RouteSocket
from wherry.network import firewall
from wherry.network.bridge import ensure_bridge, set_sysctl
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
        super().__init__(
            "failed to set up container networking: failed to create endpoint"
            f" {endpoint.container_id[:12]} on network {network.name}:"
            f" {error.filename}: {error.strerror}"
        )


def plug(store: Store, network: Network, endpoint: Endpoint, netns_fd: int) -> None:
    """Join the namespace behind `netns_fd` to `network` as `endpoint` says.

    Can be repeated after a failure at any step. The caller must be in the host's namespace;
    only this thread leaves it, for a moment.
    """
    if not endpoint.host_link:
        if network.driver != "host":
            loopback_up(netns_fd)
        return
    firewall.ensure(store)
    try:
        with RouteSocket() as host:
            _make_pair(host, network, endpoint, netns_fd)
        store.trace("link made")
        _configure(network, endpoint, netns_fd)
    except OSError as error:
        raise PlugFailed(network, endpoint, error) from error


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


def _configure(network: Network, endpoint: Endpoint, netns_fd: int) -> None:
    name = endpoint.interface
    with netlink.entered(netns_fd):
        container = RouteSocket()
        if not network.enable_ipv6:
            # Before it is up: it would draw a link-local address and announce it.
            set_sysctl(f"ipv6/conf/{name}/disable_ipv6", "1")
    with container:
        container.request(netlink.set_link_up("lo"), netlink.set_link_up(name))
        link = container.link(name)
        if link is None:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), name)
        addresses = [address for address in (endpoint.ipv4, endpoint.ipv6) if address]
        gateways = [gateway for gateway in (endpoint.gateway, endpoint.ipv6_gateway) if gateway]
        container.request(
            *(netlink.new_address(link.index, address) for address in addresses),
            *(netlink.new_default_route(gateway, link.index) for gateway in gateways),
        )


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
