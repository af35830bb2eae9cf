"""Rules among the host's own, without which these would cut our containers off.

A packet has to pass every chain there is, so that ours accepts it is not enough:

    ip, ip6 filter DOCKER-USER   Docker drops what it does not know; this chain is its users'
    ip, ip6 filter FORWARD       with the policy to drop (ufw; iptables-nft): what none of its rules
                                 has decided about is accepted, if it is ours; they come first

What we accept there our own table has let through. Each rule carries the name of that table and of
the bridge in a comment, by which it is found again: rules of bridges that are no more go. No other
chain and no other table is touched.
"""

from collections.abc import Iterable, Iterator

from wherry.linux import nftables
from wherry.store.networks import Network
from wherry.values import dataclass

TABLE = "filter"
_FAMILIES = ("ip", "ip6")
_CHAINS = {"DOCKER-USER": "insert", "FORWARD": "add"}  # first wins; at which end rules are put


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule of ours that is there."""

    place: str  # "ip filter FORWARD"
    bridge: str
    handle: int

    @property
    def deletion(self) -> str:
        return f"delete rule {self.place} handle {self.handle}"


def host_rule_commands(table: str, networks: Iterable[Network]) -> Iterator[str]:
    """Commands that make the host's chains let through what passes `table`, and no more."""
    bridges = {network.bridge: network for network in networks if network.bridge}
    for family in _FAMILIES:
        chains = _chains_of(family)
        chosen = next((name for name in _CHAINS if chains.get(name)), "")
        known = set()
        for name in chains:
            for rule in _rules_in(table, family, name):
                if name == chosen and _concerns(family, bridges.get(rule.bridge)):
                    known.add(rule.bridge)
                else:
                    yield rule.deletion
        if chosen:
            for bridge in sorted(bridges.keys() - known):
                if _concerns(family, bridges[bridge]):
                    yield from _acceptance(table, f"{family} {TABLE} {chosen}", bridge)


def host_rule_removals(table: str) -> Iterator[str]:
    """Commands that take out all that was put in for `table`."""
    for family in _FAMILIES:
        for name in _chains_of(family):
            yield from (rule.deletion for rule in _rules_in(table, family, name))


def _concerns(family: str, network: Network | None) -> bool:
    return network is not None and (network.enable_ipv4 if family == "ip" else network.enable_ipv6)


def _acceptance(table: str, place: str, bridge: str) -> Iterator[str]:
    verb = _CHAINS[place.rpartition(" ")[2]]
    for direction in ("iifname", "oifname"):
        yield (
            f'{verb} rule {place} {direction} "{bridge}" counter accept comment "{table}: {bridge}"'
        )


def _chains_of(family: str) -> dict[str, bool]:
    """The chains of iptables' filter table that concern us, and whether rules have to be there."""
    listing = nftables.run(f"list chains {family}")
    _, found, rest = listing.partition(f"table {family} {TABLE} {{")
    chains = {}
    for part in rest.partition("\n}")[0].split("\tchain ")[1:] if found else ():
        name, _, body = part.partition(" {")
        if name in _CHAINS:
            chains[name] = name != "FORWARD" or "policy drop" in body
    return chains


def _rules_in(table: str, family: str, chain: str) -> Iterator[_Rule]:
    place = f"{family} {TABLE} {chain}"
    listing = nftables.run(f"list chain {place}", nftables.OutputFlag.HANDLE)
    for line in listing.splitlines():
        _, ours, rest = line.partition(f'comment "{table}: ')
        if ours:
            bridge, _, handle = rest.partition('" # handle ')
            yield _Rule(place, bridge, int(handle))
