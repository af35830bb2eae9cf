"""A new network: its name and subnets are its own from the moment its row is committed."""

import os
import time
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

from wherry.errors import Conflict, PermissionDenied
from wherry.linux.netlink import RouteSocket
from wherry.oci.timestamps import format_timestamp
from wherry.store.address_pools import address_pools
from wherry.store.addresses import Subnet
from wherry.store.gateway_modes import needs_gateway
from wherry.store.networks import Network, insert_network_row, network_of_row, new_id
from wherry.store.store import Store
from wherry.store.subnets import choose_subnet, ipv6_candidates, user_network_candidates
from wherry.values import replace


class NetworkExists(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"network with name {name} already exists")


class SubnetTaken(PermissionDenied):
    def __init__(self) -> None:
        super().__init__("invalid pool request: Pool overlaps with other one on this address space")


class BridgeTaken(PermissionDenied):
    def __init__(self, network: Network, other: Network) -> None:
        super().__init__(
            f"cannot create network {network.id} ({network.bridge}): conflicts with network"
            f" {other.id} ({other.bridge}): networks have same bridge name"
        )


def add_network(store: Store, network: Network) -> Network:
    """Make the network exist, with a free subnet for each family that it has none of.

    Raises NetworkExists, SubnetTaken, BridgeTaken or NoSubnetLeft.
    """
    with RouteSocket() as host:
        routes = [route.destination for route in host.routes()]
    network = replace(network, id=new_id(), created=format_timestamp(time.time_ns()))
    with store.database.write() as connection:
        others = [network_of_row(row) for row in connection.execute("SELECT * FROM networks")]
        taken = [pool.subnet for other in others for pool in other.subnets]
        for other in others:
            if other.name == network.name:
                raise NetworkExists(network.name)
            if network.bridge and other.bridge == network.bridge:
                raise BridgeTaken(network, other)
        for pool in network.subnets:
            if any(_overlap(pool.subnet, subnet) for subnet in taken):
                raise SubnetTaken
        network = replace(
            network, subnets=(*network.subnets, *_free_subnets(store, network, [*taken, *routes]))
        )
        insert_network_row(connection, network, "INSERT")
    return network


def _free_subnets(
    store: Store, network: Network, taken: list[IPv4Network | IPv6Network]
) -> Iterator[Subnet]:
    has = {pool.subnet.version for pool in network.subnets}
    pools = address_pools()
    if network.enable_ipv4 and 4 not in has:
        chosen = choose_subnet(pools.ipv4_candidates(user_network_candidates()), taken)
        yield _subnet(network, chosen)
    if network.enable_ipv6 and 6 not in has:
        own = ipv6_candidates(os.path.realpath(store.root))
        chosen6 = choose_subnet(pools.ipv6_candidates(own), taken)
        yield _subnet(network, chosen6)


def _subnet(network: Network, chosen: IPv4Network | IPv6Network) -> Subnet:
    wanted = needs_gateway(network.options, chosen.version, internal=network.internal)
    return Subnet(subnet=chosen, gateway=chosen.network_address + 1 if wanted else None)


def _overlap(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    return one.version == other.version and one.overlaps(other)
