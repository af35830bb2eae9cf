"""What networks get their subnets from, where the administrator says so in /etc/wherry/config.toml.

[network]
address-pools = [{ base = "10.20.0.0/16", size = 24 }, { base = "fd00:20::/48", size = 64 }]

Pools of IPv4 take the place of all of Docker's ranges, those of IPv6 of our unique local prefix.
"""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import chain
from pathlib import Path

from wherry.store.config_file import ADMINISTRATOR_FILE, InvalidConfiguration, table_in
from wherry.values import dataclass


class InvalidAddressPools(InvalidConfiguration):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(path, f"network.address-pools: {problem}")


@dataclass(frozen=True, slots=True)
class AddressPools:
    """Each a range, and the prefix length of the subnets that it is cut into."""

    ipv4: tuple[tuple[IPv4Network, int], ...] = ()
    ipv6: tuple[tuple[IPv6Network, int], ...] = ()

    def ipv4_candidates(self, otherwise: Iterator[IPv4Network]) -> Iterator[IPv4Network]:
        """The subnets of the pools in order; without pools of this family `otherwise`."""
        if not self.ipv4:
            return otherwise
        return chain.from_iterable(base.subnets(new_prefix=size) for base, size in self.ipv4)

    def ipv6_candidates(self, otherwise: Iterator[IPv6Network]) -> Iterator[IPv6Network]:
        if not self.ipv6:
            return otherwise
        return chain.from_iterable(base.subnets(new_prefix=size) for base, size in self.ipv6)


def address_pools(path: Path = ADMINISTRATOR_FILE) -> AddressPools:
    """What is configured; none of either family where nothing is said."""
    listed = table_in(path, "network").get("address-pools", [])
    if not isinstance(listed, list):
        raise InvalidAddressPools(path, "must be a list")
    pools = [_pool(path, item) for item in listed]
    return AddressPools(
        ipv4=tuple((base, size) for base, size in pools if isinstance(base, IPv4Network)),
        ipv6=tuple((base, size) for base, size in pools if isinstance(base, IPv6Network)),
    )


def _pool(path: Path, item: object) -> tuple[IPv4Network | IPv6Network, int]:
    if not isinstance(item, Mapping) or set(item) != {"base", "size"}:
        raise InvalidAddressPools(path, "each has a base and a size")
    size = item["size"]
    try:
        base = ip_network(str(item["base"]))
    except ValueError as error:
        raise InvalidAddressPools(path, str(error)) from error
    if not isinstance(size, int) or not base.prefixlen <= size < base.max_prefixlen:
        raise InvalidAddressPools(path, f"the size {size} does not fit into {base}")
    return base, size
