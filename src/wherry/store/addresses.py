"""Which address of a network's pools a container gets, and the MAC address that goes with it."""

from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
)

from wherry.errors import InvalidArgument, PermissionDenied
from wherry.oci.sha256 import sha256
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Subnet:
    """One address pool of a network. Without `ip_range` all of `subnet` is handed out."""

    subnet: IPv4Network | IPv6Network
    gateway: IPv4Address | IPv6Address | None = None
    ip_range: IPv4Network | IPv6Network | None = None
    reserved: tuple[IPv4Address | IPv6Address, ...] = ()  # Docker's auxiliary addresses
    reserved_names: tuple[str, ...] = ()  # what each of them is for


class AddressInUse(PermissionDenied):
    def __init__(self, address: IPv4Address | IPv6Address) -> None:
        super().__init__("Address already in use")
        self.address = address


class AddressOutsideSubnets(InvalidArgument):
    def __init__(self, address: IPv4Address | IPv6Address) -> None:
        super().__init__(
            f"invalid endpoint settings:\nno configured subnet contains IP address {address}"
        )
        self.address = address


def choose_address(
    pools: list[Subnet], taken: set[int], wanted: IPv4Address | IPv6Address | None
) -> IPv4Interface | IPv6Interface | None:
    """`wanted`, or the lowest address that is free, with its pool's prefix; None if all are taken.

    Raises AddressInUse or AddressOutsideSubnets when `wanted` cannot be had.
    """
    if wanted is not None:
        return _interface(wanted, _pool_of(pools, wanted, taken))
    for pool in pools:
        number = _first_free(pool, taken)
        if number is not None:
            octets = number.to_bytes(pool.subnet.max_prefixlen // 8, "big")
            return _interface(ip_address(octets), pool)
    return None


def _pool_of(pools: list[Subnet], wanted: IPv4Address | IPv6Address, taken: set[int]) -> Subnet:
    for pool in pools:
        if wanted in pool.subnet:
            if int(wanted) in taken | _never_handed_out(pool):
                raise AddressInUse(wanted)
            return pool
    raise AddressOutsideSubnets(wanted)


def _first_free(pool: Subnet, taken: set[int]) -> int | None:
    unusable = _never_handed_out(pool)
    offered = pool.ip_range or pool.subnet
    number = int(offered.network_address)
    last = int(offered.broadcast_address)
    while number in taken or number in unusable:
        number += 1
    return number if number <= last else None


def _never_handed_out(pool: Subnet) -> set[int]:
    numbers = {int(address) for address in pool.reserved}
    if pool.subnet.prefixlen < pool.subnet.max_prefixlen - 1:  # RFC 3021: both of a /31 are hosts
        numbers |= {int(pool.subnet.network_address), int(pool.subnet.broadcast_address)}
    if pool.gateway is not None:
        numbers.add(int(pool.gateway))
    return numbers


def _interface(address: IPv4Address | IPv6Address, pool: Subnet) -> IPv4Interface | IPv6Interface:
    return ip_interface(f"{address}/{pool.subnet.prefixlen}")


def mac_address_for(network_id: str, interface: IPv4Interface | IPv6Interface | None) -> str:
    """A locally administered address that follows from the network and the IP address.

    Docker draws one at random and then has to tell the neighbours, who remember the address
    that an earlier container had with this IP. One that stays the same spares everyone that.
    """
    octets = bytearray(sha256(f"{network_id} {interface}".encode()).digest()[:6])
    octets[0] = octets[0] & 0xFE | 0x02
    return octets.hex(":")
