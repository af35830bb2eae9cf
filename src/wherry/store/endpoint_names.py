"""Names by which containers find each other on a network: a row for each name of an endpoint.

A name belongs to an endpoint and goes with it. Several endpoints may have the same one, which is
then a service with several addresses. What a container may ask for is what is on its networks.
"""

import _sqlite3 as sqlite3
import json
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from wherry.store.store import Store
from wherry.values import dataclass

SCHEMA = """
CREATE TABLE endpoint_names (
    network_id TEXT NOT NULL,
    name TEXT NOT NULL,
    endpoint_id TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    written TEXT NOT NULL,
    PRIMARY KEY (network_id, name, endpoint_id)
) WITHOUT ROWID;
CREATE INDEX endpoint_names_by_endpoint ON endpoint_names (endpoint_id)
"""

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """A network that a container is on, as its name service sees it."""

    id: str
    name: str
    links: dict[str, str]  # alias, as asked for: the container meant
    leads_outside: bool


def insert_names(
    connection: sqlite3.Connection, network_id: str, endpoint_id: str, names: Iterable[str]
) -> None:
    """Give an endpoint its names; they are found in whatever case they are asked for."""
    connection.executemany(
        "INSERT OR IGNORE INTO endpoint_names VALUES (?, ?, ?, ?, ?)",
        [(network_id, n.lower(), endpoint_id, at, n) for at, n in enumerate(names)],
    )


def names_of(store: Store, endpoint_id: str) -> tuple[str, ...]:
    """The names of an endpoint, the container's first."""
    rows = store.database.connection.execute(
        "SELECT written FROM endpoint_names WHERE endpoint_id = ? ORDER BY position",
        (endpoint_id,),
    )
    return tuple(row[0] for row in rows)


def rename_endpoints(store: Store, container_id: str, old: str, new: str) -> None:
    """Let a container that runs be found by its new name, no longer by the old one."""
    with store.database.write() as connection:
        connection.execute(
            "UPDATE OR REPLACE endpoint_names SET name = ?, written = ? WHERE name = ?"
            " AND endpoint_id IN (SELECT id FROM endpoints WHERE container_id = ?)",
            (new.lower(), new, old.lower(), container_id),
        )


def joined_networks(store: Store, container_id: str) -> list[Joined]:
    """The networks with names that a container is on."""
    rows = store.database.connection.execute(
        "SELECT networks.id, networks.name, endpoints.details FROM endpoints"
        " JOIN networks ON networks.id = endpoints.network_id WHERE container_id = ?"
        " AND EXISTS (SELECT 1 FROM endpoint_names WHERE endpoint_id = endpoints.id)",
        (container_id,),
    )
    joined = []
    for row in rows:
        details = json.loads(row["details"])
        pairs = (link.partition(":") for link in details["links"])
        joined.append(
            Joined(
                id=row["id"],
                name=row["name"],
                links={(alias or target).lower(): target for target, _, alias in pairs},
                leads_outside=bool(details["gateway"] or details["ipv6_gateway"]),
            )
        )
    return joined


def addresses_of(store: Store, network_id: str, name: str) -> list[Address]:
    """The addresses, of both families, behind a name in lower case; [] when nobody has it."""
    rows = store.database.connection.execute(
        "SELECT ipv4, ipv6 FROM endpoint_names JOIN endpoints ON endpoints.id = endpoint_id"
        " WHERE endpoint_names.network_id = ? AND name = ?",
        (network_id, name),
    )
    return [ip_address(packed) for row in rows for packed in row if packed is not None]


def name_at(store: Store, network_id: str, address: Address) -> str:
    """The first name of who has `address` on a network, or ""."""
    row = store.database.connection.execute(
        "SELECT written FROM endpoints JOIN endpoint_names ON endpoints.id = endpoint_id"
        f" WHERE endpoints.network_id = ? AND ipv{address.version} = ? ORDER BY position LIMIT 1",
        (network_id, address.packed),
    ).fetchone()
    return str(row[0]) if row else ""
