"""The one nftables table of an installation: a projection of the networks and ports in its rows.

    table inet wherry           chains, and the sets and maps that they look things up in
      bridges                   the links of our networks
      internal                  those of them that lead nowhere else
      together                  pairs of links that may exchange packets: a bridge with itself
      subnets, subnets6         whose packets leave under the host's address
      published, published_at   protocol and port, or address with them -> where they lead
      published6, ..._at        the same for IPv6
      exposed, exposed6         what they lead to: ports of containers

Adding a container is adding elements. The kernel counts the transactions of everybody; the run
folder remembers the count after ours, and which networks the table was made of, so one question
tells a plug that the table is still as it was, and as it has to be. When somebody else changed the
ruleset meanwhile, or was killed between a network's row and its rules, the table is made again
from the rows in one transaction, which the packets of running containers do not notice.

What else is done so that the host's other rules let our packets through is in `host_rules` and
`firewalld`.
"""

import os
from collections.abc import Iterable, Sequence

from wherry.errors import Unavailable
from wherry.linux import nftables
from wherry.linux.locks import locked
from wherry.network.direct_access import direct_rules, quoted
from wherry.network.firewalld import forget_bridge, trust_bridges
from wherry.network.flows import forget_withdrawn
from wherry.network.host_rules import host_rule_commands, host_rule_removals
from wherry.store.networks import Network, instance_of, list_networks, network_ids
from wherry.store.published_ports import PublishedPort, delete_ports, published_ports
from wherry.store.store import Store
from wherry.typed import Self
from wherry.values import dataclass

_MAPS = {
    "published": "inet_proto . inet_service : ipv4_addr . inet_service",
    "published_at": "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
    "published6": "inet_proto . inet_service : ipv6_addr . inet_service",
    "published6_at": "ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service",
}
_SETS = {
    "bridges": "type ifname;",
    "internal": "type ifname;",
    "together": "type ifname . ifname;",
    "subnets": "type ipv4_addr; flags interval;",
    "subnets6": "type ipv6_addr; flags interval;",
    "exposed": "type ipv4_addr . inet_proto . inet_service;",
    "exposed6": "type ipv6_addr . inet_proto . inet_service;",
}

_DIRECTLY = ""  # stands for the rules of networks that may be reached by their own addresses

# Chain: what it hooks into (nothing: it is jumped to), and its rules.
#
# `guard` and `across` see every packet, the others the first of each connection. So in those two
# what nearly all packets have in common is asked first, and asking for a name comes last.
_CHAINS: dict[str, tuple[str, tuple[str, ...]]] = {
    # A bridge with route_localnet takes packets to and from 127/8, which are what a container
    # would send to reach a service that listens on the host's loopback only.
    "guard": (
        "type filter hook prerouting priority raw;",
        (
            "ip daddr 127.0.0.0/8 iifname @bridges drop",
            "ip saddr 127.0.0.0/8 iifname @bridges drop",
        ),
    ),
    "publish": (
        "",
        (
            "fib daddr type != local return",
            # A port is in one of the maps: bind(2) sees to that.
            "meta nfproto ipv4 dnat ip to meta l4proto . th dport map @published",
            "dnat ip to ip daddr . meta l4proto . th dport map @published_at",
            "dnat ip6 to ip6 daddr . meta l4proto . th dport map @published6_at",
            # What the host sends itself by ::1 cannot leave it: the forwarder carries that.
            "ip6 daddr != ::1 dnat ip6 to meta l4proto . th dport map @published6",
        ),
    ),
    # A port published on 127.0.0.1 is not for a neighbour who sends us such packets.
    "from_outside": (
        "type nat hook prerouting priority dstnat;",
        ("ip daddr 127.0.0.0/8 return", "jump publish"),
    ),
    "from_host": ("type nat hook output priority -100;", ("jump publish",)),
    # The answer must come back through the host: to its loopback, and to a container that
    # spoke to one beside it by the host's address. To the host itself it does anyway.
    #
    # Of the loopback's connections the port changes too, to one below those that the host gives
    # its own: two connections from the gateway's address with one port would be in each other's
    # way, and a request by that address would take a third longer after many by the loopback.
    "homeward": (
        "",
        (
            "ip saddr 127.0.0.0/8 meta l4proto { tcp, udp } masquerade to :10240-32767",
            "ip saddr 127.0.0.0/8 masquerade",
            "fib saddr type local return",
            "ct status dnat ip saddr @subnets ip daddr @subnets masquerade",
            "ct status dnat ip6 saddr @subnets6 ip6 daddr @subnets6 masquerade",
        ),
    ),
    "outward": (
        "type nat hook postrouting priority srcnat;",
        (
            "oifname @bridges goto homeward",
            "ip saddr @subnets masquerade",
            "ip6 saddr @subnets6 masquerade",
        ),
    ),
    "inward": (
        "",
        (
            "ct status dnat accept",
            "meta iifname . meta oifname @together accept",
            _DIRECTLY,
            "drop",
        ),
    ),
    "across": (
        "type filter hook forward priority filter;",
        (
            "ct state established,related accept",
            "oifname @bridges jump inward",
        ),
    ),
}
# They come first in `across`, where there are internal networks: also what a connection of an
# earlier network with the same addresses has left open does not lead in or out.
_INTERNAL_RULES = (
    "iifname @internal meta iifname . meta oifname != @together drop",
    "oifname @internal meta iifname . meta oifname != @together drop",
)


class FirewallUnavailable(Unavailable):
    """The host cannot filter packets as networks with addresses need it."""

    def __init__(self, error: OSError) -> None:
        missing = isinstance(error, nftables.NftablesMissing)
        super().__init__(
            f"cannot set up the packet filter: {error.strerror}",
            hint="install libnftables (apt install libnftables1), or use --network none or host"
            if missing
            else "",
        )


def table_of(store: Store) -> str:
    instance = instance_of(store)
    return f"wherry_{instance}" if instance else "wherry"


def ensure(store: Store) -> None:
    """Make the table be there and right. Costs one question when nobody changed the ruleset."""
    try:
        if _remembered(store) != _State.now(network_ids(store)):
            with locked(store.run / "firewall.lock"):
                # Still, now that nobody else is at it?
                if _remembered(store) != _State.now(network_ids(store)):
                    _make_table(store)
    except OSError as error:
        raise FirewallUnavailable(error) from error


def restore(store: Store) -> None:
    """As `ensure`, if there is to be a table: whoever looks after things without a container."""
    try:
        if _is_to_be_restored(store):
            with locked(store.run / "firewall.lock"):
                # Nor has it been taken out meanwhile?
                if _is_to_be_restored(store):
                    _make_table(store)
    except OSError as error:
        raise FirewallUnavailable(error) from error


def _is_to_be_restored(store: Store) -> bool:
    remembered = _remembered(store)
    return remembered is not None and remembered != _State.now(network_ids(store))


def reapply(store: Store, gone: str = "") -> None:
    """Make the table again from the rows, after a change of the networks in them.

    `gone` is the bridge of a network that is no more.
    """
    try:
        with locked(store.run / "firewall.lock"):
            if gone:
                forget_bridge(gone)
            _make_table(store)
    except OSError as error:
        raise FirewallUnavailable(error) from error


def add_ports(store: Store, ports: Iterable[PublishedPort]) -> None:
    """Lead packets to ports that are in the rows already."""
    try:
        with locked(store.run / "firewall.lock"):
            try:
                _change_elements(store, "add", ports)
            except nftables.NftablesError:
                # An element of a container that was killed is in the way, or the table is not
                # there: the rows know better.
                _make_table(store)
    except OSError as error:
        raise FirewallUnavailable(error) from error


def withdraw_ports(store: Store, container_id: str) -> None:
    """Stop leading packets to the ports of a container, and forget them.

    In this order: a kill in between leaves rows, by which it is done again. Under the lock, so
    that nobody makes the table from these rows meanwhile.
    """
    try:
        with locked(store.run / "firewall.lock"):
            ports = published_ports(store, container_id)
            try:
                _change_elements(store, "delete", ports)
            finally:
                store.trace("ports no longer led to")
                forget_withdrawn(ports)
                delete_ports(store, container_id)
    except nftables.NftablesError:  # elements are missing: somebody else was at the table
        reapply(store)
    except OSError as error:
        raise FirewallUnavailable(error) from error


def remove(store: Store) -> None:
    """Take out the table and what was put among the host's rules."""
    table = table_of(store)
    try:
        with locked(store.run / "firewall.lock"):
            for network in list_networks(store):
                if network.bridge:
                    forget_bridge(network.bridge)
            # Adding first makes the deletion of a table that is not there no error.
            own = (f"add table inet {table}", f"delete table inet {table}")
            nftables.run("\n".join([*host_rule_removals(table), *own]))
            (store.run / "firewall").unlink(missing_ok=True)
    except OSError as error:
        raise FirewallUnavailable(error) from error


def table_text(table: str, networks: Sequence[Network], ports: Iterable[PublishedPort]) -> str:
    """Commands that make `table` what it has to be, whatever it was before."""
    lines = [f"add table inet {table}"]
    lines += [f"add set inet {table} {name} {{ {kind} }}" for name, kind in _SETS.items()]
    for name, key in _MAPS.items():
        lines.append(f"add map inet {table} {name} {{ type {key}; }}")
    for name, (hook, _) in _CHAINS.items():
        lines.append(
            f"add chain inet {table} {name}" + (f" {{ {hook} policy accept; }}" if hook else "")
        )
        lines.append(f"flush chain inet {table} {name}")
    if any(network.bridge and network.internal for network in networks):
        lines += [f"add rule inet {table} across {rule}" for rule in _INTERNAL_RULES]
    for name, (_, rules) in _CHAINS.items():
        for rule in rules:
            chosen = direct_rules(networks) if rule == _DIRECTLY else (rule,)
            lines += [f"add rule inet {table} {name} {each}" for each in chosen]
    lines += [f"flush set inet {table} {name}" for name in _SETS]
    lines += [f"flush map inet {table} {name}" for name in _MAPS]
    for network in networks:
        lines += _network_elements(table, network)
    lines += [f"add element inet {table} {element}" for element in _elements(ports)]
    return "\n".join(lines)


def _network_elements(table: str, network: Network) -> list[str]:
    if not network.bridge:
        return []
    name = quoted(network.bridge)
    lines = [f"add element inet {table} bridges {{ {name} }}"]
    if network.lets_containers_talk:
        lines.append(f"add element inet {table} together {{ {name} . {name} }}")
    if network.internal:
        lines.append(f"add element inet {table} internal {{ {name} }}")
    for pool in network.subnets:
        if network.masquerades(pool.subnet.version):
            where = "subnets" if pool.subnet.version == 4 else "subnets6"
            lines.append(f"add element inet {table} {where} {{ {pool.subnet} }}")
    return lines


def _translated(ports: Iterable[PublishedPort]) -> Iterable[PublishedPort]:
    """Those that the packet filter serves: it does not lead from IPv6 to IPv4, nor from ::1."""
    return (
        port
        for port in ports
        if port.host_ip.version == port.container_ip.version
        and not port.is_routed
        and not (port.host_ip.version == 6 and port.host_ip.is_loopback)
    )


def _key(port: PublishedPort) -> str:
    key = f"{port.protocol} . {port.host_port}"
    return key if port.host_ip.is_unspecified else f"{port.host_ip} . {key}"


def _map(port: PublishedPort) -> str:
    family = "" if port.host_ip.version == 4 else "6"
    return f"published{family}" if port.host_ip.is_unspecified else f"published{family}_at"


def _elements(ports: Iterable[PublishedPort]) -> Iterable[str]:
    ports = list(ports)
    yield from map(_element, _translated(ports))
    yield from dict.fromkeys(map(_exposure, ports))


def _exposure(port: PublishedPort) -> str:
    where = "exposed" if port.container_ip.version == 4 else "exposed6"
    return f"{where} {{ {port.container_ip} . {port.protocol} . {port.container_port} }}"


def _element(port: PublishedPort) -> str:
    return (
        f'{_map(port)} {{ {_key(port)} comment "{port.container_id}"'
        f" : {port.container_ip} . {port.container_port} }}"
    )


# ---- transactions


@dataclass(frozen=True, slots=True)
class _State:
    """The ruleset after a transaction of ours."""

    transactions: str  # how many there had been, and in which namespace
    networks: str  # of which the table was made

    @classmethod
    def now(cls, networks: Iterable[str]) -> Self:
        return cls(_transactions(), " ".join(sorted(networks)))


def _transactions() -> str:
    return f"{os.stat('/proc/thread-self/ns/net').st_ino} {nftables.generation()}"


def _remembered(store: Store) -> _State | None:
    try:
        transactions, _, networks = (store.run / "firewall").read_text().partition("\n")
    except FileNotFoundError:
        return None
    return _State(transactions, networks)


def _remember(store: Store, before: str, networks: Iterable[str]) -> None:
    """Remember the state now, if exactly one transaction lies between it and `before`."""
    state = _State.now(networks)
    namespace, _, number = before.partition(" ")
    if state.transactions == f"{namespace} {int(number) + 1}":
        # Torn or lost it is only a reason to look: no need to sync.
        (store.run / "firewall").write_text(f"{state.transactions}\n{state.networks}")


def _make_table(store: Store) -> None:
    """With the lock held."""
    networks = list_networks(store)
    table = table_of(store)
    commands = table_text(table, networks, published_ports(store))
    # Before ours, which is to be the last transaction.
    trust_bridges([network.bridge for network in networks if network.bridge])
    before = _transactions()
    nftables.run("\n".join([commands, *host_rule_commands(table, networks)]))
    _remember(store, before, [network.id for network in networks])


def _change_elements(store: Store, verb: str, ports: Iterable[PublishedPort]) -> None:
    """With the lock held."""
    table = table_of(store)
    ports = list(ports)
    if verb == "add":
        elements = list(_elements(ports))
    else:
        elements = [f"{_map(port)} {{ {_key(port)} }}" for port in _translated(ports)]
        elements += dict.fromkeys(map(_exposure, ports))
    if not elements:
        return
    commands = "\n".join(f"{verb} element inet {table} {element}" for element in elements)
    before = _transactions()
    known = _remembered(store)
    nftables.run(commands)
    if known is not None and known.transactions == before:
        _remember(store, before, known.networks.split())
