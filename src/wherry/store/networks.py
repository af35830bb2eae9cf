"""Networks, and the endpoints by which containers are on them.

An endpoint's row is the claim to its address: it is committed before the address is used, and
two containers cannot commit the same one. A row whose container is gone is garbage that
`wherry.network.plug.sweep` collects.
"""

import _sqlite3 as sqlite3
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_network,
)

from wherry.errors import InvalidArgument, NotFound, PermissionDenied
from wherry.oci.sha256 import sha256
from wherry.oci.timestamps import format_timestamp
from wherry.store import published_ports
from wherry.store.address_pools import address_pools
from wherry.store.addresses import (
    Subnet,
    choose_address,
    mac_address_for,
)
from wherry.store.endpoint_names import SCHEMA as NAMES_SCHEMA
from wherry.store.endpoint_names import insert_names
from wherry.store.gateway_modes import GatewayMode, gateway_mode
from wherry.store.store import Store
from wherry.store.subnets import choose_subnet, default_bridge_candidates
from wherry.values import dataclass, field

_REMEMBERED = 256  # networks, and as many endpoints
SCHEMA = (
    """
CREATE TABLE networks (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    driver TEXT NOT NULL,
    created TEXT NOT NULL,
    details TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE endpoints (
    id TEXT PRIMARY KEY,
    network_id TEXT NOT NULL REFERENCES networks (id),
    container_id TEXT NOT NULL,
    ipv4 BLOB,
    ipv6 BLOB,
    host_link TEXT UNIQUE,
    details TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX endpoints_by_ipv4 ON endpoints (network_id, ipv4);
CREATE UNIQUE INDEX endpoints_by_ipv6 ON endpoints (network_id, ipv6);
CREATE UNIQUE INDEX endpoints_by_container ON endpoints (container_id, network_id);
"""
    f"{NAMES_SCHEMA};" + published_ports.SCHEMA
)

USUAL_ROOT = "/var/lib/wherry"
USUAL_BRIDGE = "wherry0"
MTU_OPTION = "com.docker.network.driver.mtu"
BRIDGE_OPTION = "com.docker.network.bridge.name"
MASQUERADE_OPTION = "com.docker.network.bridge.enable_ip_masquerade"
ICC_OPTION = "com.docker.network.bridge.enable_icc"
HOST_BINDING_OPTION = "com.docker.network.bridge.host_binding_ipv4"
TRUSTED_INTERFACES_OPTION = "com.docker.network.bridge.trusted_host_interfaces"
INTERFACE_PREFIX_OPTION = "com.docker.network.container_iface_prefix"
DEFAULT_BRIDGE_OPTION = "com.docker.network.bridge.default_bridge"

PREDEFINED = frozenset({"bridge", "host", "none"})
_WITHOUT_LINKS = ("host", "null")  # drivers

_LINK_PREFIX = "wh"  # of the host's ends of veth pairs: wh, 12 digits of the container ID, one more
_LINK_SUFFIXES = "0123456789abcdefghijklmnopqrstuvwxyz"
_ETHERNET_MTU = 1500


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A row. `created` is RFC 3339 with nanoseconds, in UTC."""

    id: str  # 64 hex digits
    name: str
    driver: str  # bridge, host, null; macvlan and ipvlan are networks of users
    scope: str = "local"
    created: str = ""
    internal: bool = False
    attachable: bool = False
    enable_ipv4: bool = True
    enable_ipv6: bool = False
    subnets: tuple[Subnet, ...] = ()
    chosen_subnets: bool = False  # by the user, who may then choose addresses, too
    ipam_options: bool = True  # whether there are some, if none: {} and not null
    owns_parent: bool = False  # the VLAN that it is on was made for it
    options: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def bridge(self) -> str:
        """The name of the bridge on the host; "" where the driver makes none."""
        own = f"br-{self.id[:12]}" if self.driver == "bridge" else ""
        return self.options.get(BRIDGE_OPTION, own)

    @property
    def is_routed(self) -> bool:
        """Whether its way out is a link, not a neighbour."""
        return self.driver == "ipvlan" and self.options.get("ipvlan_mode", "").startswith("l3")

    @property
    def has_way_out(self) -> bool:
        """Whether its containers get a default route."""
        leads_nowhere = self.driver in ("macvlan", "ipvlan") and not self.options.get("parent")
        return not self.internal and not leads_nowhere

    @property
    def is_predefined(self) -> bool:
        return self.name in PREDEFINED

    @property
    def has_names(self) -> bool:
        """Whether its containers find each other by name: on all networks that users make."""
        return not self.is_predefined

    @property
    def mtu(self) -> int:
        return int(self.options.get(MTU_OPTION) or 0) or _ETHERNET_MTU

    def masquerades(self, version: int) -> bool:
        """Whether its packets leave under the host's address."""
        translates = gateway_mode(self.options, version) is not GatewayMode.ROUTED
        chosen = self.options.get(MASQUERADE_OPTION, "true") == "true"
        return translates and chosen and not self.internal

    def gateway_mode(self, version: int) -> GatewayMode:
        return gateway_mode(self.options, version)

    @property
    def trusted_interfaces(self) -> list[str]:
        """Links of the host from which published ports are reached by the containers' addresses."""
        return [name for name in self.options.get(TRUSTED_INTERFACES_OPTION, "").split(":") if name]

    @property
    def lets_containers_talk(self) -> bool:
        return self.options.get(ICC_OPTION, "true") == "true"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A container's place on a network. Addresses carry the prefix length of their subnet.

    On `host` and `none` there are no addresses and no links.
    """

    id: str  # 64 hex digits
    network_id: str
    container_id: str
    ipv4: IPv4Interface | None = None
    ipv6: IPv6Interface | None = None
    gateway: IPv4Address | None = None
    ipv6_gateway: IPv6Address | None = None
    mac_address: str = ""
    interface: str = ""  # in the container: eth0, ...
    host_link: str = ""  # at most 15 characters; "" where the driver makes none
    aliases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()  # container:alias, names that only this container knows
    gateway_priority: int = 0
    link_local_ips: tuple[str, ...] = ()
    driver_options: dict[str, str] = field(default_factory=dict)


class NetworkNotFound(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"network {name} not found")
        self.name = name


class AmbiguousNetwork(InvalidArgument):
    def __init__(self, name: str, matches: int) -> None:
        super().__init__(
            f"network {name} is ambiguous ({matches} matches found based on ID prefix)"
        )


class NoAddressLeft(PermissionDenied):
    def __init__(self, network: Network, version: int) -> None:
        super().__init__(
            f"no available IPv{version} addresses on this network's address pools:"
            f" {network.name} ({network.id})"
        )


# ---- networks


def instance_of(store: Store) -> str:
    """What tells this installation's links and rules from another's: "" for the usual root."""
    root = os.path.realpath(store.root)
    return "" if root == USUAL_ROOT else sha256(root.encode()).hexdigest()[:7]


def ensure_default_networks(store: Store) -> None:
    """Make `bridge`, `host` and `none` exist. The bridge's subnet avoids the host's routes."""
    names = "SELECT COUNT(*) FROM networks WHERE name IN ('bridge', 'host', 'none')"
    if store.database.connection.execute(names).fetchone()[0] == 3:
        return
    bridge = _default_bridge(store)
    with store.database.write() as connection:
        for network in (
            bridge,
            Network(id=new_id(), name="host", driver="host"),
            Network(id=new_id(), name="none", driver="null"),
        ):
            insert_network_row(connection, network, "INSERT OR IGNORE")


def _default_bridge(store: Store) -> Network:
    from wherry.linux.netlink import RouteSocket  # for the first container of an installation

    instance = instance_of(store)
    with RouteSocket() as host:
        routes = host.routes()
        links = {link.index: link for link in host.links()}
    own = [subnet.subnet for network in list_networks(store) for subnet in network.subnets]
    subnet = choose_subnet(
        address_pools().ipv4_candidates(default_bridge_candidates(instance)),
        [*(route.destination for route in routes), *own],
    )
    # No larger than what the way out carries: where path MTU discovery is filtered, and that is
    # common, a container with larger frames would hang in the middle of a download.
    ways_out = [
        links[r.link_index].mtu
        for r in routes
        if r.destination.prefixlen == 0 and r.link_index in links
    ]
    return Network(
        id=new_id(),
        name="bridge",
        driver="bridge",
        subnets=(Subnet(subnet=subnet, gateway=subnet.network_address + 1),),
        options={
            DEFAULT_BRIDGE_OPTION: "true",
            ICC_OPTION: "true",
            MASQUERADE_OPTION: "true",
            HOST_BINDING_OPTION: "0.0.0.0",
            BRIDGE_OPTION: f"wherry-{instance}" if instance else USUAL_BRIDGE,
            MTU_OPTION: str(min([_ETHERNET_MTU, *ways_out])),
        },
    )


def insert_network(store: Store, network: Network) -> None:
    """Make the network exist; its ID and creation time are given by the caller or made here."""
    with store.database.write() as connection:
        insert_network_row(connection, network, "INSERT")


def insert_network_row(connection: sqlite3.Connection, network: Network, verb: str) -> None:
    connection.execute(
        f"{verb} INTO networks (id, name, driver, created, details) VALUES (?, ?, ?, ?, ?)",
        (
            network.id or new_id(),
            network.name,
            network.driver,
            network.created or format_timestamp(time.time_ns()),
            json.dumps(_network_details(network)),
        ),
    )


def find_network(store: Store, name: str) -> Network:
    """The network of this full ID, name, or unambiguous ID prefix, in that order."""
    connection = store.database.connection
    row = connection.execute(
        "SELECT * FROM networks WHERE id = ? OR name = ? ORDER BY id = ? DESC LIMIT 1",
        (name, name, name),
    ).fetchone()
    if row is None and name and all(digit in "0123456789abcdef" for digit in name):
        rows = connection.execute(
            "SELECT * FROM networks WHERE id >= ? AND id < ?", (name, name + "g")
        ).fetchall()
        if len(rows) > 1:
            raise AmbiguousNetwork(name, len(rows))
        row = rows[0] if rows else None
    if row is None:
        raise NetworkNotFound(name)
    return network_of_row(row)


def list_networks(store: Store) -> list[Network]:
    """Every network, by name."""
    rows = store.database.connection.execute("SELECT * FROM networks ORDER BY name")
    return [network_of_row(row) for row in rows]


def network_ids(store: Store) -> list[str]:
    """Which networks there are."""
    return [row[0] for row in store.database.connection.execute("SELECT id FROM networks")]


def delete_network(store: Store, network_id: str, take_down: Callable[[], None]) -> None:
    """Forget the network; sqlite3.IntegrityError while an endpoint is on it.

    `take_down` is called when nobody can join any more and the row is still there: what a kill
    leaves of its work then belongs to a network, whose first container makes the rest again.
    """
    with store.database.write() as connection:
        connection.execute("DELETE FROM networks WHERE id = ?", (network_id,))
        take_down()


# ---- endpoints


def allocate_endpoint(
    store: Store,
    network: Network,
    container_id: str,
    *,
    ipv4: IPv4Address | str | None = None,
    ipv6: IPv6Address | str | None = None,
    mac: str | None = None,
    aliases: Iterable[str] = (),
    names: Sequence[str] = (),
    links: Iterable[str] = (),
    gateway_priority: int = 0,
    link_local_ips: Iterable[str] = (),
    driver_options: Mapping[str, str] | None = None,
    interface: str = "",
) -> Endpoint:
    """Claim a place on `network`: the address asked for, or the lowest one that is free.

    What the container had claimed there before is given up: only its supervisor calls this,
    so an earlier claim is of a start that was killed. By `names` others find it. Raises
    AddressInUse, NoAddressLeft or AddressOutsideSubnets.
    """
    with store.database.write() as connection:
        connection.execute(
            "DELETE FROM endpoints WHERE container_id = ? AND network_id = ?",
            (container_id, network.id),
        )
        address4 = _claim(connection, network, 4, ip_address(ipv4) if ipv4 else None)
        address6 = _claim(connection, network, 6, ip_address(ipv6) if ipv6 else None)
        gateway, ipv6_gateway = _gateways(network)
        address = address4 or address6
        has_link = network.driver not in _WITHOUT_LINKS
        # Without addresses it has to follow from something else that the neighbours do not share.
        drawn_from = network.id if address else container_id
        endpoint = Endpoint(
            id=new_id(),
            network_id=network.id,
            container_id=container_id,
            ipv4=address4 if isinstance(address4, IPv4Interface) else None,
            ipv6=address6 if isinstance(address6, IPv6Interface) else None,
            gateway=gateway,
            ipv6_gateway=ipv6_gateway,
            mac_address=mac or (mac_address_for(drawn_from, address) if has_link else ""),
            interface=(interface or _next_interface(connection, container_id, network))
            if has_link
            else "",
            host_link=_next_link(connection, container_id)
            if has_link and network.driver == "bridge"
            else "",
            aliases=tuple(aliases),
            links=tuple(links),
            gateway_priority=gateway_priority,
            link_local_ips=tuple(link_local_ips),
            driver_options=dict(driver_options or {}),
        )
        _insert_endpoint(connection, endpoint)
        if names:
            insert_names(connection, network.id, endpoint.id, names)
    return endpoint


def endpoints_of(store: Store, container_id: str) -> list[Endpoint]:
    """The endpoints of a container, eth0 first."""
    rows = store.database.connection.execute(
        "SELECT * FROM endpoints WHERE container_id = ?", (container_id,)
    )
    return sorted(map(_endpoint, rows), key=lambda endpoint: endpoint.interface)


def endpoints_on(store: Store, network_id: str) -> list[Endpoint]:
    """The endpoints on a network, by address."""
    rows = store.database.connection.execute(
        "SELECT * FROM endpoints WHERE network_id = ? ORDER BY ipv4", (network_id,)
    )
    return [_endpoint(row) for row in rows]


def release_endpoint(store: Store, endpoint: Endpoint) -> None:
    """Give up one claim."""
    with store.database.write() as connection:
        connection.execute("DELETE FROM endpoints WHERE id = ?", (endpoint.id,))


def release_endpoints(store: Store, container_id: str) -> None:
    """Give up all claims of a container."""
    with store.database.write() as connection:
        connection.execute("DELETE FROM endpoints WHERE container_id = ?", (container_id,))


def containers_with_endpoints(store: Store) -> set[str]:
    rows = store.database.connection.execute("SELECT DISTINCT container_id FROM endpoints")
    return {row[0] for row in rows}


def _claim(
    connection: sqlite3.Connection,
    network: Network,
    version: int,
    wanted: IPv4Address | IPv6Address | None,
) -> IPv4Interface | IPv6Interface | None:
    rows = connection.execute(
        f"SELECT ipv{version} FROM endpoints WHERE network_id = ? AND ipv{version} IS NOT NULL",
        (network.id,),
    )
    taken = {int.from_bytes(row[0], "big") for row in rows}
    pools = [pool for pool in network.subnets if pool.subnet.version == version]
    if not pools and wanted is None:
        return None
    interface = choose_address(pools, taken, wanted)
    if interface is None:
        raise NoAddressLeft(network, version)
    return interface


def _gateways(network: Network) -> tuple[IPv4Address | None, IPv6Address | None]:
    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    for pool in network.subnets if network.has_way_out else ():
        if isinstance(pool.gateway, IPv4Address):
            ipv4 = ipv4 or pool.gateway
        elif isinstance(pool.gateway, IPv6Address):
            ipv6 = ipv6 or pool.gateway
    return ipv4, ipv6


def _next_interface(connection: sqlite3.Connection, container_id: str, network: Network) -> str:
    prefix = network.options.get(INTERFACE_PREFIX_OPTION) or "eth"
    taken = {
        json.loads(row[0]).get("interface")
        for row in connection.execute(
            "SELECT details FROM endpoints WHERE container_id = ?", (container_id,)
        )
    }
    number = 0
    while f"{prefix}{number}" in taken:
        number += 1
    return f"{prefix}{number}"


def _next_link(connection: sqlite3.Connection, container_id: str) -> str:
    prefix = f"{_LINK_PREFIX}{container_id[:12]}"
    rows = connection.execute(
        "SELECT host_link FROM endpoints WHERE host_link >= ? AND host_link < ?",
        (prefix, prefix + "~"),
    )
    taken = {row[0] for row in rows}
    # Drawn, not counted: the link of the last start may still be there, on its way out.
    first = os.urandom(1)[0] % len(_LINK_SUFFIXES)
    for number in range(len(_LINK_SUFFIXES)):
        suffix = _LINK_SUFFIXES[(first + number) % len(_LINK_SUFFIXES)]
        if prefix + suffix not in taken:
            return prefix + suffix
    raise InvalidArgument(f"container {container_id[:12]} is on {len(_LINK_SUFFIXES)} networks")


def is_container_link(name: str) -> bool:
    """Whether a link is named as the host's end of a veth pair of a container."""
    return len(name) == 15 and name.startswith(_LINK_PREFIX) and not name.startswith("wherry-")


def new_id() -> str:
    return os.urandom(32).hex()


# ---- rows


def _network_details(network: Network) -> dict[str, object]:
    return {
        "scope": network.scope,
        "internal": network.internal,
        "attachable": network.attachable,
        "enable_ipv4": network.enable_ipv4,
        "enable_ipv6": network.enable_ipv6,
        "chosen_subnets": network.chosen_subnets,
        "ipam_options": network.ipam_options,
        "owns_parent": network.owns_parent,
        "subnets": [
            {
                "subnet": str(pool.subnet),
                "gateway": str(pool.gateway) if pool.gateway else None,
                "ip_range": str(pool.ip_range) if pool.ip_range else None,
                "reserved": [str(address) for address in pool.reserved],
                "reserved_names": pool.reserved_names,
            }
            for pool in network.subnets
        ],
        "options": network.options,
        "labels": network.labels,
    }


def network_of_row(row: sqlite3.Row) -> Network:
    return _network(row["id"], row["name"], row["driver"], row["created"], row["details"])


@lru_cache(_REMEMBERED)  # the same row makes the same value, however often it is read
def _network(network_id: str, name: str, driver: str, created: str, text: str) -> Network:
    details = json.loads(text)
    pools = [
        Subnet(
            subnet=ip_network(pool["subnet"]),
            gateway=ip_address(pool["gateway"]) if pool["gateway"] else None,
            ip_range=ip_network(pool["ip_range"]) if pool["ip_range"] else None,
            reserved=tuple(map(ip_address, pool["reserved"])),
            reserved_names=tuple(pool["reserved_names"]),
        )
        for pool in details.pop("subnets")
    ]
    return Network(
        id=network_id,
        name=name,
        driver=driver,
        created=created,
        subnets=tuple(pools),
        **details,
    )


def _insert_endpoint(connection: sqlite3.Connection, endpoint: Endpoint) -> None:
    details = {
        "ipv4": str(endpoint.ipv4) if endpoint.ipv4 else None,
        "ipv6": str(endpoint.ipv6) if endpoint.ipv6 else None,
        "gateway": str(endpoint.gateway) if endpoint.gateway else None,
        "ipv6_gateway": str(endpoint.ipv6_gateway) if endpoint.ipv6_gateway else None,
        "mac_address": endpoint.mac_address,
        "interface": endpoint.interface,
        "aliases": endpoint.aliases,
        "links": endpoint.links,
        "gateway_priority": endpoint.gateway_priority,
        "link_local_ips": endpoint.link_local_ips,
        "driver_options": endpoint.driver_options,
    }
    connection.execute(
        "INSERT INTO endpoints (id, network_id, container_id, ipv4, ipv6, host_link, details)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            endpoint.id,
            endpoint.network_id,
            endpoint.container_id,
            endpoint.ipv4.ip.packed if endpoint.ipv4 else None,
            endpoint.ipv6.ip.packed if endpoint.ipv6 else None,
            endpoint.host_link or None,
            json.dumps(details),
        ),
    )


def _endpoint(row: sqlite3.Row) -> Endpoint:
    return _endpoint_of(
        row["id"], row["network_id"], row["container_id"], row["host_link"] or "", row["details"]
    )


@lru_cache(_REMEMBERED)
def _endpoint_of(
    endpoint_id: str, network_id: str, container_id: str, host_link: str, text: str
) -> Endpoint:
    details = json.loads(text)
    gateway, gateway6 = details["gateway"], details["ipv6_gateway"]
    return Endpoint(
        id=endpoint_id,
        network_id=network_id,
        container_id=container_id,
        ipv4=IPv4Interface(details["ipv4"]) if details["ipv4"] else None,
        ipv6=IPv6Interface(details["ipv6"]) if details["ipv6"] else None,
        gateway=IPv4Address(gateway) if gateway else None,
        ipv6_gateway=IPv6Address(gateway6) if gateway6 else None,
        mac_address=details["mac_address"],
        interface=details["interface"],
        host_link=host_link,
        aliases=tuple(details["aliases"]),
        links=tuple(details["links"]),
        gateway_priority=details["gateway_priority"],
        link_local_ips=tuple(details["link_local_ips"]),
        driver_options=details["driver_options"],
    )
