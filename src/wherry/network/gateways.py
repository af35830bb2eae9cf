"""Which of a container's networks has its way out."""

from collections.abc import Iterable

from wherry.store.networks import Endpoint, Network


def choose_gateways(
    joined: Iterable[tuple[Network, Endpoint]],
) -> dict[int, tuple[Network, Endpoint]]:
    """By IP version, the network whose gateway is the container's: Docker's rule.

    The highest gw-priority, and among equals the first network by name.
    """
    chosen: dict[int, tuple[Network, Endpoint]] = {}
    for network, endpoint in sorted(
        joined, key=lambda pair: (-pair[1].gateway_priority, pair[0].name)
    ):
        if endpoint.gateway is not None:
            chosen.setdefault(4, (network, endpoint))
        if endpoint.ipv6_gateway is not None:
            chosen.setdefault(6, (network, endpoint))
    return chosen
