"""What `host-gateway` stands for: the host, as members of the default bridge reach it."""

from wherry.network.names import Address
from wherry.store.networks import ensure_default_networks, find_network
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_DEFAULT_NETWORK = "bridge"


def host_gateways(engine: "Engine") -> list[Address]:
    """Its addresses, of IPv4 first."""
    ensure_default_networks(engine.store)
    network = find_network(engine.store, _DEFAULT_NETWORK)
    return [subnet.gateway for subnet in network.subnets if subnet.gateway is not None]
