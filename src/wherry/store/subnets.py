"""Which subnet a network gets: the first of a list that overlaps with nothing the host reaches."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from wherry.errors import InvalidArgument
from wherry.oci.sha256 import sha256
from wherry.typed import TypeVar

_Subnet = TypeVar("_Subnet", IPv4Network, IPv6Network)

# As many slices as it takes for installations side by side, each with a default bridge of its
# own, to draw different ones before either bridge exists.
_OTHERS = IPv4Network("10.128.0.0/9")
_OTHERS_PREFIX = 20


class NoSubnetLeft(InvalidArgument):
    def __init__(self) -> None:
        super().__init__(
            "all predefined address pools have been fully subnetted",
            hint="give the network a subnet of its own with --subnet",
        )


def default_bridge_candidates(instance: str) -> Iterator[IPv4Network]:
    """Subnets for the bridge that every installation has; `instance` is "" for the usual one.

    The usual one begins far from 172.17.0.0/16, which Docker's own bridge has or will have.
    """
    if instance:
        slices = 1 << (_OTHERS_PREFIX - _OTHERS.prefixlen)
        first = int(sha256(instance.encode()).hexdigest(), 16) % slices
        for number in range(slices):
            yield _slice(_OTHERS, _OTHERS_PREFIX, (first + number) % slices)
        return
    for second in (30, 31, *range(29, 17, -1)):
        yield IPv4Network(f"172.{second}.0.0/16")
    yield from IPv4Network("192.168.0.0/16").subnets(new_prefix=20)


def user_network_candidates() -> Iterator[IPv4Network]:
    """Docker's default address pools, for networks that users make."""
    for second in range(18, 32):
        yield IPv4Network(f"172.{second}.0.0/16")
    yield from IPv4Network("192.168.0.0/16").subnets(new_prefix=20)


def ipv6_candidates(root: str) -> Iterator[IPv6Network]:
    """Subnets of the unique local prefix, RFC 4193, that follows from this installation's root."""
    prefix = b"\xfd" + sha256(root.encode()).digest()[:5]
    for number in range(1 << 16):
        address = prefix + number.to_bytes(2, "big") + bytes(8)
        yield IPv6Network((IPv6Address(address), 64))


def _slice(network: IPv4Network, prefix: int, number: int) -> IPv4Network:
    first = int(network.network_address) + (number << (32 - prefix))
    return IPv4Network((IPv4Address(first), prefix))


def choose_subnet(
    candidates: Iterable[_Subnet], taken: Iterable[IPv4Network | IPv6Network]
) -> _Subnet:
    """The first candidate that overlaps with no taken subnet; a default route takes nothing."""
    occupied = [network for network in taken if network.prefixlen]
    for candidate in candidates:
        if not any(
            candidate.version == network.version and candidate.overlaps(network)
            for network in occupied
        ):
            return candidate
    raise NoSubnetLeft
