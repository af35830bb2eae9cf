"""--subnet, --gateway, --ip-range and --aux-address: checked, in Docker's words when refused."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)

from wherry.errors import InvalidArgument
from wherry.store.addresses import Subnet
from wherry.values import dataclass, field

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network


@dataclass(frozen=True, kw_only=True, slots=True)
class SubnetRequest:
    """One pool, as written: Docker's IPAM configuration."""

    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    auxiliary: Mapping[str, str] = field(default_factory=dict)


class InvalidSubnet(InvalidArgument):
    """A pool of addresses that makes no sense."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"invalid network config:\n{problem}")


class GatewayTaken(InvalidArgument):
    """The address of the subnet itself, or that of all in it."""

    def __init__(self, text: str) -> None:
        super().__init__(f"failed to allocate gateway ({text}): Address already in use")


def requests_from_flags(
    subnets: Sequence[str],
    gateways: Sequence[str],
    ranges: Sequence[str],
    auxiliary: Mapping[str, str],
) -> list[SubnetRequest]:
    """The flags of `network create`, each gateway and range with the subnet that it is in."""
    if len(subnets) < len(ranges) or len(subnets) < len(gateways):
        raise InvalidArgument("every ip-range or gateway must have a corresponding subnet")
    if len(subnets) == 1 and not (gateways or ranges or auxiliary):
        return [SubnetRequest(subnet=subnets[0])]  # there is nothing to compare it with
    parsed: list[_Network] = []
    for text in subnets:
        subnet = _network(text)
        if any(one.version == subnet.version and one.overlaps(subnet) for one in parsed):
            raise InvalidArgument("multiple overlapping subnet configuration is not supported")
        parsed.append(subnet)
    gateway_of = _assigned(parsed, gateways, "gateway")
    range_of = _assigned(parsed, ranges, "range")
    others: list[dict[str, str]] = [{} for _ in parsed]
    for name, text in auxiliary.items():
        at = _within(parsed, text)
        if at is None:
            raise InvalidArgument(f"no matching subnet for aux-address {text}")
        others[at][name] = text
    return [
        SubnetRequest(
            subnet=text,
            gateway=gateway_of.get(number, ""),
            ip_range=range_of.get(number, ""),
            auxiliary=others[number],
        )
        for number, text in enumerate(subnets)
    ]


def _assigned(subnets: list[_Network], texts: Iterable[str], what: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for text in texts:
        if what == "range":
            _network(text)
        at = _within(subnets, text)
        if at is None:
            raise InvalidArgument(f"no matching subnet for {what} {text}")
        if at in found:
            kind = "gateway" if what == "gateway" else "ranges"
            verb = f"configure multiple {kind} ({text}, {found[at]}) on the same subnet"
            raise InvalidArgument(f"cannot {verb} ({subnets[at]})")
        found[at] = text
    return found


def _within(subnets: list[_Network], text: str) -> int | None:
    try:
        address = ip_interface(text).ip
    except ValueError:
        return None
    return next((n for n, subnet in enumerate(subnets) if address in subnet), None)


def _network(text: str) -> _Network:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise InvalidArgument(f"invalid CIDR address: {text}") from None
    if "/" not in text:
        raise InvalidArgument(f"invalid CIDR address: {text}")
    return network


def checked_subnets(
    requests: Sequence[SubnetRequest], *, ipv4: bool, ipv6: bool, gateways: Collection[int] = (4, 6)
) -> Iterator[Subnet]:
    """The pools, each with a gateway: the first address that nobody else is to have.

    `gateways` are the IP versions that need one.
    """
    for request in requests:
        try:
            subnet = _network(request.subnet)
        except InvalidArgument:
            problem = f"invalid subnet {request.subnet}: invalid CIDR block notation"
            raise InvalidSubnet(problem) from None
        if str(subnet) != _canonical(request.subnet):
            raise InvalidSubnet(f"invalid subnet {request.subnet}: it should be {subnet}")
        if subnet.version == 6 and not ipv6:
            raise InvalidSubnet(f"invalid subnet {subnet}: IPv6 has not been enabled")
        if subnet.version == 4 and not ipv4:
            raise InvalidSubnet(f"invalid subnet {subnet}: IPv4 has been disabled")
        ip_range = _range(request.ip_range, subnet)
        reserved = tuple(
            _inside(text, subnet, "auxiliary address") for text in request.auxiliary.values()
        )
        gateway = None
        if request.gateway:
            gateway = _chosen_gateway(request.gateway, subnet)
        elif subnet.version in gateways:
            gateway = _first_free(ip_range or subnet, subnet, reserved)
        yield Subnet(
            subnet=subnet,
            gateway=gateway,
            ip_range=ip_range,
            reserved=reserved,
            reserved_names=tuple(request.auxiliary),
        )


def _chosen_gateway(text: str, subnet: _Network) -> _Address:
    gateway = _inside(text, subnet, "gateway")
    ends = {subnet.network_address}
    if subnet.version == 4:
        ends.add(subnet.broadcast_address)
    if gateway in ends and subnet.prefixlen < _whole(subnet) - 1:
        raise GatewayTaken(text)
    return gateway


def _canonical(text: str) -> str:
    address, _, prefix = text.partition("/")
    return f"{ip_address(address)}/{prefix}"


def _range(text: str, subnet: _Network) -> _Network | None:
    if not text:
        return None
    ip_range = _network(text)
    same = ip_range.version == subnet.version
    if not same or ip_range.network_address not in subnet or ip_range.prefixlen < subnet.prefixlen:
        raise InvalidSubnet(f"invalid ip-range {text}: parent subnet {subnet} is smaller")
    return ip_range


def _inside(text: str, subnet: _Network, what: str) -> _Address:
    try:
        address = ip_address(text.partition("/")[0])
    except ValueError:
        raise InvalidSubnet(f"invalid {what} {text}: invalid address") from None
    if address not in subnet:
        raise InvalidSubnet(f"invalid {what} {text}: parent subnet {subnet} is a different network")
    return address


def _first_free(pool: _Network, subnet: _Network, reserved: Sequence[_Address]) -> _Address:
    first = int(pool.network_address)
    if pool.network_address == subnet.network_address and subnet.prefixlen < _whole(subnet) - 1:
        first += 1
    number = first
    taken = {int(address) for address in reserved}
    while number in taken:
        number += 1
    return ip_address(number.to_bytes(_whole(subnet) // 8, "big"))


def _whole(subnet: _Network) -> int:
    return subnet.max_prefixlen
