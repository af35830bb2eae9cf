"""How a bridge network is joined to the rest of the world, for IPv4 and IPv6 each: Docker's modes.

nat               by the host's address, and by published ports of the host
nat-unprotected   as nat, and who routes to a container's address reaches all of its ports
routed            by the containers' own addresses, at the ports that are published
isolated          not even by the host: the bridge has no address; for internal networks
"""

from collections.abc import Mapping
from enum import StrEnum

_GATEWAY_MODE = "com.docker.network.bridge.gateway_mode_ipv"
GATEWAY_MODE_OPTIONS = (f"{_GATEWAY_MODE}4", f"{_GATEWAY_MODE}6")
INHIBIT_IPV4_OPTION = "com.docker.network.bridge.inhibit_ipv4"


class GatewayMode(StrEnum):
    NAT = "nat"
    UNPROTECTED = "nat-unprotected"
    ROUTED = "routed"
    ISOLATED = "isolated"


def gateway_mode(options: Mapping[str, str], version: int) -> GatewayMode:
    return GatewayMode(options.get(f"{_GATEWAY_MODE}{version}") or GatewayMode.NAT)


def bridge_has_address(options: Mapping[str, str], version: int) -> bool:
    """Whether the bridge itself is to have an address, which is the containers' gateway."""
    if version == 4 and options.get(INHIBIT_IPV4_OPTION) == "true":
        return False
    return gateway_mode(options, version) is not GatewayMode.ISOLATED


def needs_gateway(options: Mapping[str, str], version: int, *, internal: bool) -> bool:
    """Whether an address of a subnet is the gateway's: the bridge's or, where it may have none,
    that of somebody else who leads out."""
    return bridge_has_address(options, version) or not internal
