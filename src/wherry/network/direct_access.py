"""Rules for networks whose containers may be reached by their own addresses, in the chain `inward`.

There are none for those as they come, in mode `nat`: what would be asked of each connection is not.
"""

from collections.abc import Iterable, Iterator, Sequence

from wherry.errors import InvalidArgument
from wherry.store.gateway_modes import GatewayMode
from wherry.store.networks import Network

_PORT = {
    4: "ip daddr . meta l4proto . th dport @exposed",
    6: "ip6 daddr . meta l4proto . th dport @exposed6",
}
_FAMILY = {4: "meta nfproto ipv4", 6: "meta nfproto ipv6"}
_CONTROL = {4: "meta l4proto icmp", 6: "meta l4proto ipv6-icmp"}
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


class InvalidInterfaceName(InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"invalid interface name {name!r}")


def direct_rules(networks: Iterable[Network]) -> Iterator[str]:
    """Conditions and verdicts; other networks of ours are outside, too."""
    for network in networks:
        if not network.bridge or network.internal:
            continue
        towards = f"oifname {quoted(network.bridge)}"
        for version in (4, 6):
            mode = network.gateway_mode(version)
            if mode is GatewayMode.ROUTED:
                yield f"{towards} {_PORT[version]} accept"
                yield f"{towards} {_FAMILY[version]} {_CONTROL[version]} accept"
            elif mode is GatewayMode.UNPROTECTED:
                yield f"{towards} {_FAMILY[version]} iifname != @bridges accept"
        trusted = _list(network.trusted_interfaces)
        if trusted:
            for version in (4, 6):
                yield f"iifname {trusted} {towards} {_PORT[version]} accept"


def _list(names: Sequence[str]) -> str:
    return f"{{ {', '.join(map(quoted, names))} }}" if names else ""


def quoted(name: str) -> str:
    """The name of an interface, fit to stand in a command."""
    if not 0 < len(name) <= 15 or not _NAME_CHARACTERS.issuperset(name):
        raise InvalidInterfaceName(name)
    return f'"{name}"'
