"""Networks of the drivers macvlan and ipvlan: links on one of the host's, without a bridge.

The container is a neighbour of the host's neighbours. Nothing of such a network is on the host but
its parent, where we had to make that: a VLAN (`parent=eth0.50`), or a link that leads nowhere for a
network without a parent.
"""

from wherry.errors import InvalidArgument
from wherry.linux import netlink
from wherry.linux.netlink import Link, RouteSocket
from wherry.store.networks import Endpoint, Network

PARENT_OPTION = "parent"
MACVLAN_MODE_OPTION = "macvlan_mode"
IPVLAN_MODE_OPTION = "ipvlan_mode"
IPVLAN_FLAG_OPTION = "ipvlan_flag"
MACVLAN_MODES = {"bridge": 4, "private": 1, "vepa": 2, "passthru": 8}
IPVLAN_MODES = {"l2": 0, "l3": 1, "l3s": 2}
IPVLAN_FLAGS = {"bridge": 0, "private": 1, "vepa": 2}


class NoParent(InvalidArgument):
    def __init__(self, network: Network, parent: str) -> None:
        super().__init__(
            f"failed to create the {network.driver} port: the parent interface {parent} of network"
            f" {network.name} was not found on the host"
        )


def make_sub_link(host: RouteSocket, network: Network, endpoint: Endpoint, netns_fd: int) -> None:
    """Make the container's link on the network's parent."""
    parent = ensure_parent(host, network)
    options = network.options
    if network.driver == "macvlan":
        mode = MACVLAN_MODES[options.get(MACVLAN_MODE_OPTION) or "bridge"]
        data, mac_address = netlink.macvlan_data(mode), endpoint.mac_address
    else:
        mode = IPVLAN_MODES[options.get(IPVLAN_MODE_OPTION) or "l2"]
        flags = IPVLAN_FLAGS[options.get(IPVLAN_FLAG_OPTION) or "bridge"]
        data, mac_address = netlink.ipvlan_data(mode, flags), ""  # they share the parent's
    peer = netlink.Peer(name=endpoint.interface, netns_fd=netns_fd, mac_address=mac_address)
    host.request(
        netlink.new_sub_link(
            network.driver,
            data,
            parent=parent.index,
            mtu=int(options.get("com.docker.network.driver.mtu") or 0),
            peer=peer,
            about=f"{endpoint.interface} on {parent.name}",
        )
    )


def ensure_parent(host: RouteSocket, network: Network) -> Link:
    """The parent link; a VLAN of the host's, and one that leads nowhere, are made if missing."""
    name = parent_of(network)
    link = host.link(name)
    if link is not None:
        return link
    if not network.options.get(PARENT_OPTION):
        host.request(netlink.new_dummy(name))
    else:
        above, dot, number = name.rpartition(".")
        parent = host.link(above) if dot and number.isdecimal() else None
        if parent is None:
            raise NoParent(network, name)
        host.request(netlink.new_vlan(name, parent=parent.index, number=int(number)))
    link = host.link(name)
    if link is None:
        raise NoParent(network, name)
    return link


def parent_of(network: Network) -> str:
    return network.options.get(PARENT_OPTION) or f"dm-{network.id[:12]}"


def remove_parent(host: RouteSocket, network: Network) -> None:
    """Remove the link that was made for a network without a parent of the host's."""
    if not network.options.get(PARENT_OPTION) and host.link(parent_of(network)) is not None:
        host.request(netlink.delete_link(parent_of(network)))
