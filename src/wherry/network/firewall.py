"""The one nftables table of an installation: a projection of the networks and ports in its rows.

    table ip wherry             chains, and the sets and maps that they look things up in
      bridges                   the links of our networks
      together                  pairs of links that may exchange packets: a bridge with itself
      subnets                   whose packets leave under the host's address
      published, published_at   protocol and port, or address with them -> where they lead

Adding a container is adding elements. The kernel counts the transactions of everybody; the run
folder remembers the count after ours, so one question tells a plug that the table is still as it
was. When somebody else changed the ruleset meanwhile, the table is made again from the rows in
one transaction, which the packets of running containers do not notice.

Of the host's other rules only the chain DOCKER-USER is touched, which Docker makes for its users
and without which its policy of dropping what it does not know would cut off our containers.
"""

import os
from collections.abc import Iterable
from ipaddress import IPv4Network

from wherry.errors import InvalidArgument, Unavailable
from wherry.linux import nftables
from wherry.linux.locks import locked
from wherry.store.networks import Network, instance_of, list_networks
from wherry.store.published_ports import PublishedPort, delete_ports, published_ports
from wherry.store.store import Store

_MAPS = {
    "published": "inet_proto . inet_service",
    "published_at": "ipv4_addr . inet_proto . inet_service",
}
_SETS = {
    "bridges": "type ifname;",
    "together": "type ifname . ifname;",
    "subnets": "type ipv4_addr; flags interval;",
}
_RULE_COMMENT = "wherry: "
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")

# Chain: what it hooks into (nothing: it is jumped to), and its rules.
_CHAINS: dict[str, tuple[str, tuple[str, ...]]] = {
    # A bridge with route_localnet takes packets to and from 127/8, which are what a container
    # would send to reach a service that listens on the host's loopback only.
    "guard": (
        "type filter hook prerouting priority raw;",
        (
            "iifname @bridges ip daddr 127.0.0.0/8 drop",
            "iifname @bridges ip saddr 127.0.0.0/8 drop",
        ),
    ),
    "publish": (
        "",
        (
            "dnat ip to ip daddr . meta l4proto . th dport map @published_at",
            "fib daddr type local dnat ip to meta l4proto . th dport map @published",
        ),
    ),
    # A port published on 127.0.0.1 is not for a neighbour who sends us such packets.
    "from_outside": (
        "type nat hook prerouting priority dstnat;",
        ("ip daddr 127.0.0.0/8 return", "jump publish"),
    ),
    "from_host": ("type nat hook output priority -100;", ("jump publish",)),
    # The answer must come back through the host: to its loopback, and to a container that
    # spoke to one beside it by the host's address.
    "outward": (
        "type nat hook postrouting priority srcnat;",
        (
            "ip saddr 127.0.0.0/8 oifname @bridges masquerade",
            "ct status dnat ip saddr @subnets ip daddr @subnets masquerade",
            "ip saddr @subnets oifname != @bridges masquerade",
        ),
    ),
    "inward": (
        "",
        (
            "ct state established,related accept",
            "ct status dnat accept",
            "meta iifname . meta oifname @together accept",
            "drop",
        ),
    ),
    "across": ("type filter hook forward priority filter;", ("oifname @bridges jump inward",)),
}


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


class InvalidBridgeName(InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"invalid bridge name {name!r}")


def table_of(store: Store) -> str:
    instance = instance_of(store)
    return f"wherry_{instance}" if instance else "wherry"


def ensure(store: Store) -> None:
    """Make the table be there and right. Costs one question when nobody changed the ruleset."""
    try:
        if _remembered(store) != _current():
            with locked(store.run / "firewall.lock"):
                if _remembered(store) != _current():  # still, now that nobody else is at it
                    _make_table(store)
    except OSError as error:
        raise FirewallUnavailable(error) from error


def reapply(store: Store) -> None:
    """Make the table again from the rows, after a change of the networks in them."""
    try:
        with locked(store.run / "firewall.lock"):
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
            try:
                _change_elements(store, "delete", published_ports(store, container_id))
            finally:
                store.trace("ports no longer led to")
                delete_ports(store, container_id)
    except nftables.NftablesError:  # elements are missing: somebody else was at the table
        reapply(store)
    except OSError as error:
        raise FirewallUnavailable(error) from error


def remove(store: Store) -> None:
    """Take out the table and what was put into DOCKER-USER."""
    bridges = _bridges(list_networks(store))
    table = table_of(store)
    try:
        with locked(store.run / "firewall.lock"):
            commands = [
                f"delete rule ip filter DOCKER-USER handle {handle}"
                for bridge, handle in _docker_user_rules() or ()
                if bridge in bridges
            ]
            # Adding first makes the deletion of a table that is not there no error.
            nftables.run(
                "\n".join([*commands, f"add table ip {table}", f"delete table ip {table}"])
            )
            (store.run / "firewall").unlink(missing_ok=True)
    except OSError as error:
        raise FirewallUnavailable(error) from error


def table_text(table: str, networks: Iterable[Network], ports: Iterable[PublishedPort]) -> str:
    """Commands that make `table` what it has to be, whatever it was before."""
    lines = [f"add table ip {table}"]
    lines += [f"add set ip {table} {name} {{ {kind} }}" for name, kind in _SETS.items()]
    for name, key in _MAPS.items():
        lines.append(f"add map ip {table} {name} {{ type {key} : ipv4_addr . inet_service; }}")
    for name, (hook, _) in _CHAINS.items():
        lines.append(
            f"add chain ip {table} {name}" + (f" {{ {hook} policy accept; }}" if hook else "")
        )
        lines.append(f"flush chain ip {table} {name}")
    for name, (_, rules) in _CHAINS.items():
        lines += [f"add rule ip {table} {name} {rule}" for rule in rules]
    lines += [f"flush set ip {table} {name}" for name in _SETS]
    lines += [f"flush map ip {table} {name}" for name in _MAPS]
    for network in networks:
        lines += _network_elements(table, network)
    lines += [f"add element ip {table} {_element(port)}" for port in _translated(ports)]
    return "\n".join(lines)


def _network_elements(table: str, network: Network) -> list[str]:
    if not network.bridge:
        return []
    name = _checked(network.bridge)
    lines = [f'add element ip {table} bridges {{ "{name}" }}']
    if network.lets_containers_talk:
        lines.append(f'add element ip {table} together {{ "{name}" . "{name}" }}')
    if network.masquerades:
        lines += [
            f"add element ip {table} subnets {{ {pool.subnet} }}"
            for pool in network.subnets
            if isinstance(pool.subnet, IPv4Network)
        ]
    return lines


def _translated(ports: Iterable[PublishedPort]) -> Iterable[PublishedPort]:
    """Those that the packet filter serves: it does not lead from IPv6 to IPv4."""
    return (port for port in ports if port.host_ip.version == port.container_ip.version == 4)


def _key(port: PublishedPort) -> str:
    key = f"{port.protocol} . {port.host_port}"
    return key if port.host_ip.is_unspecified else f"{port.host_ip} . {key}"


def _map(port: PublishedPort) -> str:
    return "published" if port.host_ip.is_unspecified else "published_at"


def _element(port: PublishedPort) -> str:
    return (
        f'{_map(port)} {{ {_key(port)} comment "{port.container_id}"'
        f" : {port.container_ip} . {port.container_port} }}"
    )


def _checked(name: str) -> str:
    """`name`, fit to stand between quotes in a command."""
    if not 0 < len(name) <= 15 or not _NAME_CHARACTERS.issuperset(name):
        raise InvalidBridgeName(name)
    return name


# ---- transactions


def _current() -> str:
    """Which state of which namespace's ruleset there is now."""
    return f"{os.stat('/proc/thread-self/ns/net').st_ino} {nftables.generation()}"


def _remembered(store: Store) -> str:
    """The state after the last transaction of ours, or "" when that is not known."""
    try:
        return (store.run / "firewall").read_text()
    except FileNotFoundError:
        return ""


def _remember(store: Store, state: str) -> None:
    # Torn or lost it is only a reason to look: no need to sync.
    (store.run / "firewall").write_text(state)


def _follows(after: str, before: str) -> bool:
    """Whether exactly one transaction lies between the two states."""
    namespace, _, generation = before.partition(" ")
    return after == f"{namespace} {int(generation) + 1}"


def _make_table(store: Store) -> None:
    """With the lock held."""
    networks = list_networks(store)
    commands = table_text(table_of(store), networks, published_ports(store))
    before = _current()
    nftables.run("\n".join([commands, *_docker_user_commands(networks)]))
    after = _current()
    if _follows(after, before):
        _remember(store, after)


def _change_elements(store: Store, verb: str, ports: Iterable[PublishedPort]) -> None:
    """With the lock held."""
    table = table_of(store)
    commands = "\n".join(
        f"add element ip {table} {_element(port)}"
        if verb == "add"
        else f"delete element ip {table} {_map(port)} {{ {_key(port)} }}"
        for port in _translated(ports)
    )
    if not commands:
        return
    before = _current()
    known = _remembered(store) == before
    nftables.run(commands)
    after = _current()
    if known and _follows(after, before):
        _remember(store, after)


# ---- beside Docker


def _docker_user_commands(networks: Iterable[Network]) -> list[str]:
    there = _docker_user_rules()
    if there is None:
        return []
    known = {bridge for bridge, _ in there}
    return [
        f'insert rule ip filter DOCKER-USER {direction} "{bridge}" counter accept'
        f' comment "{_RULE_COMMENT}{bridge}"'
        for bridge in _bridges(networks) - known
        for direction in ("iifname", "oifname")
    ]


def _docker_user_rules() -> list[tuple[str, int]] | None:
    """Our rules in DOCKER-USER as bridge and handle; None when there is no such chain."""
    chains = nftables.run("list chains ip")
    _, found, filter_table = chains.partition("table ip filter {")
    if not found or "chain DOCKER-USER {" not in filter_table.partition("\n}")[0]:
        return None
    rules = []
    listing = nftables.run("list chain ip filter DOCKER-USER", nftables.OutputFlag.HANDLE)
    for line in listing.splitlines():
        _, ours, rest = line.partition(f'comment "{_RULE_COMMENT}')
        if ours:
            bridge, _, handle = rest.partition('" # handle ')
            rules.append((bridge, int(handle)))
    return rules


def _bridges(networks: Iterable[Network]) -> set[str]:
    return {_checked(network.bridge) for network in networks if network.bridge}
