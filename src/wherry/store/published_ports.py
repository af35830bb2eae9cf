"""Rows of published ports: what the packet filter's maps are made from.

Who holds a port is decided by bind(2), see `wherry.network.ports`; a row says for whom, and a
row whose container is gone is garbage.
"""

import _sqlite3 as sqlite3
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from wherry.store.store import Store
from wherry.values import dataclass

SCHEMA = """
CREATE TABLE published_ports (
    protocol TEXT NOT NULL,
    host_port INTEGER NOT NULL,
    host_ip TEXT NOT NULL,
    container_id TEXT NOT NULL,
    container_ip TEXT NOT NULL,
    container_port INTEGER NOT NULL,
    PRIMARY KEY (protocol, host_port, host_ip)
) WITHOUT ROWID;
CREATE INDEX published_ports_by_container ON published_ports (container_id);
CREATE TABLE port_cursors (
    protocol TEXT PRIMARY KEY,
    last_port INTEGER NOT NULL
) WITHOUT ROWID
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedPort:
    """A port of the host that leads to a container. 0.0.0.0 and :: are all of its addresses.

    On a routed network it is a port of the container, which others may reach by its own address.
    """

    protocol: str
    host_ip: IPv4Address | IPv6Address
    host_port: int
    container_id: str
    container_ip: IPv4Address | IPv6Address
    container_port: int

    @property
    def is_routed(self) -> bool:
        return self.host_ip == self.container_ip

    @property
    def host_end(self) -> tuple[str, str]:
        """Address and port of the host, as Docker shows them; no port where none leads there."""
        if self.is_routed:
            return "0.0.0.0" if self.host_ip.version == 4 else "::", ""
        return str(self.host_ip), str(self.host_port)


def published_ports(store: Store, container_id: str = "") -> list[PublishedPort]:
    """The published ports of one container, or of all."""
    condition = "WHERE container_id = ?" if container_id else ""
    rows = store.database.connection.execute(
        f"SELECT * FROM published_ports {condition}"
        " ORDER BY container_port, protocol, host_ip, host_port",
        (container_id,) if container_id else (),
    )
    return [_published_port(row) for row in rows]


def owner_of_port(
    store: Store, protocol: str, host_ip: IPv4Address | IPv6Address, host_port: int
) -> PublishedPort | None:
    """The row that stands in the way of publishing this port, if one does."""
    rows = store.database.connection.execute(
        "SELECT * FROM published_ports WHERE protocol = ? AND host_port = ?",
        (protocol, host_port),
    )
    for port in map(_published_port, rows):
        if overlap(port.host_ip, host_ip):
            return port
    return None


def overlap(one: IPv4Address | IPv6Address, other: IPv4Address | IPv6Address) -> bool:
    """Whether a port cannot be bound on both addresses of the host."""
    return one.version == other.version and (
        one == other or one.is_unspecified or other.is_unspecified
    )


def replace_ports(store: Store, ports: Iterable[PublishedPort]) -> None:
    """Record ports whose sockets the caller holds; whoever was recorded for them no longer is."""
    with store.database.write() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO published_ports"
            " (protocol, host_port, host_ip, container_id, container_ip, container_port)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    port.protocol,
                    port.host_port,
                    str(port.host_ip),
                    port.container_id,
                    str(port.container_ip),
                    port.container_port,
                )
                for port in ports
            ],
        )


def delete_ports(store: Store, container_id: str) -> list[PublishedPort]:
    """Forget the published ports of a container; what they were."""
    with store.database.write() as connection:
        rows = connection.execute(
            "DELETE FROM published_ports WHERE container_id = ? RETURNING *", (container_id,)
        ).fetchall()
    return [_published_port(row) for row in rows]


def containers_with_ports(store: Store) -> set[str]:
    rows = store.database.connection.execute("SELECT DISTINCT container_id FROM published_ports")
    return {row[0] for row in rows}


def next_ephemeral_port(store: Store, protocol: str, first: int, last: int) -> int:
    """The port after the one this returned before, from `first` to `last` and round again.

    Counting on spares the client of a container that is gone from meeting another one.
    """
    with store.database.write() as connection:
        row = connection.execute(
            "SELECT last_port FROM port_cursors WHERE protocol = ?", (protocol,)
        ).fetchone()
        port = row[0] + 1 if row is not None and first <= row[0] < last else first
        connection.execute("INSERT OR REPLACE INTO port_cursors VALUES (?, ?)", (protocol, port))
    return port


def _published_port(row: sqlite3.Row) -> PublishedPort:
    return PublishedPort(
        protocol=row["protocol"],
        host_ip=ip_address(row["host_ip"]),
        host_port=row["host_port"],
        container_id=row["container_id"],
        container_ip=ip_address(row["container_ip"]),
        container_port=row["container_port"],
    )
