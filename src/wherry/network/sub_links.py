"""Networks of the drivers macvlan and ipvlan: links on one of the host's, without a bridge.

The container is a neighbour of the host's neighbours. Nothing of such a network is on the host but
its parent, where we had to make that: a VLAN (`parent=eth0.50`), or a link that leads nowhere for a
network without a parent.
"""

import errno
from collections.abc import Iterable

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
_LAST_VLAN = 4094
IPVLAN_FLAGS = {"bridge": 0, "private": 1, "vepa": 2}


class UnusableParent(InvalidArgument):
    """A parent that is not there and cannot be made, or is taken; in Docker's words."""


class NotAVlan(UnusableParent):
    def __init__(self, name: str) -> None:
        super().__init__(f"invalid subinterface vlan name {name}, example formatting is eth0.10")


def check_parent(network: Network, others: Iterable[Network]) -> None:
    """Refuse a parent that `network` cannot have beside `others`."""
    parent = network.options.get(PARENT_OPTION)
    if parent == "lo":
        raise UnusableParent(f"loopback interface is not a valid {network.driver} parent link")
    for other in others:
        if not parent or other.driver != network.driver or parent_of(other) != parent:
            continue
        if _mode(network) == "passthru":
            raise UnusableParent(
                f"cannot use mode passthru, macvlan network {other.id} is already using parent"
                f" interface {parent}"
            )
        if _mode(other) == "passthru":
            raise UnusableParent(
                f"macvlan network {other.id} is already using parent interface {parent} in mode"
                " passthru"
            )
        # The mode of an ipvlan is its parent's: another one would change that of all.
        if network.driver == "ipvlan" and _ipvlan_data(network) != _ipvlan_data(other):
            raise UnusableParent(
                f"network {_dummy_of(other)} is already using parent interface {parent}"
            )


def make_sub_link(host: RouteSocket, network: Network, endpoint: Endpoint, netns_fd: int) -> None:
    """Make the container's link on the network's parent."""
    parent = ensure_parent(host, network)
    options = network.options
    if network.driver == "macvlan":
        data = netlink.macvlan_data(MACVLAN_MODES[_mode(network)])
        mac_address = endpoint.mac_address
    else:
        data, mac_address = _ipvlan_data(network), ""  # they share the parent's
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
    if link is None:
        # Somebody who starts a container as well may have made it meanwhile.
        there = frozenset({errno.EEXIST})
        if network.options.get(PARENT_OPTION):
            host.request(_new_vlan(host, name), ignoring=there)
        else:
            host.request(netlink.new_dummy(name), ignoring=there)
        link = host.link(name)
    if link is None:
        raise NotAVlan(name)
    return link


def _new_vlan(host: RouteSocket, name: str) -> netlink.Message:
    above, dot, text = name.partition(".")
    if not dot:
        raise NotAVlan(name)
    if not text.isascii() or not text.isdecimal():
        raise UnusableParent(
            f"unable to parse a valid vlan id from: {text} (ex. eth0.10 for vlan 10)"
        )
    if not 1 <= int(text) <= _LAST_VLAN:
        raise UnusableParent(f"vlan id must be between 1-{_LAST_VLAN}, received: {text}")
    parent = host.link(above)
    if parent is None:
        raise UnusableParent(f"-o parent interface does was not found on the host: {above}")
    return netlink.new_vlan(name, parent=parent.index, number=int(text))


def parent_of(network: Network) -> str:
    return network.options.get(PARENT_OPTION) or _dummy_of(network)


def _dummy_of(network: Network) -> str:
    return f"{'dm' if network.driver == 'macvlan' else 'di'}-{network.id[:12]}"


def _mode(network: Network) -> str:
    """Of a macvlan network."""
    if network.driver != "macvlan":
        return ""
    return network.options.get(MACVLAN_MODE_OPTION) or "bridge"


def _ipvlan_data(network: Network) -> bytes:
    mode = IPVLAN_MODES[network.options.get(IPVLAN_MODE_OPTION) or "l2"]
    flags = IPVLAN_FLAGS[network.options.get(IPVLAN_FLAG_OPTION) or "bridge"]
    return netlink.ipvlan_data(mode, flags)


def will_own_parent(network: Network, others: Iterable[Network]) -> bool:
    """Whether the parent is, or is about to be, a VLAN that we have made."""
    parent = network.options.get(PARENT_OPTION)
    if not parent:
        return False
    with RouteSocket() as host:
        missing = host.link(parent) is None
    return missing or any(other.owns_parent and parent_of(other) == parent for other in others)


def remove_parent(host: RouteSocket, network: Network, others: Iterable[Network]) -> None:
    """Remove the link that was made for `network`, unless one of `others` needs it, too."""
    name = parent_of(network)
    ours = network.owns_parent or not network.options.get(PARENT_OPTION)
    if ours and all(other.bridge or parent_of(other) != name for other in others):
        host.request(netlink.delete_link(name), ignoring=frozenset({errno.ENODEV}))
