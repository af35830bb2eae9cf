"""What happened: the rows behind `events`, kept for a while after their objects are gone."""

import json
import time
from collections.abc import Iterable, Iterator

from wherry.store.database import DatabaseFailed
from wherry.store.store import Store
from wherry.typed import TYPE_CHECKING
from wherry.values import dataclass, field

if TYPE_CHECKING:
    import sqlite3

SCHEMA = """
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ns INTEGER NOT NULL,
    type TEXT NOT NULL,
    action TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    attributes TEXT NOT NULL
)
"""

KEPT = 4096  # events; Docker keeps 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """`number` grows by one with each event; `time_ns` is the wall clock since the epoch."""

    number: int = 0
    time_ns: int
    type: str
    action: str
    actor_id: str
    attributes: dict[str, str] = field(default_factory=dict)


News = tuple[str, str, str, dict[str, str]]  # type, action, ID of whom it is about, attributes


def publish(
    store: Store, type_: str, action: str, actor_id: str, attributes: dict[str, str]
) -> None:
    """Record one event; see `publish_all`."""
    publish_all(store, [(type_, action, actor_id, attributes)])


def publish_all(store: Store, news: Iterable[News]) -> None:
    """Record events; whoever follows them is woken by the write itself.

    A disk without room for them keeps nobody from what they tell of.
    """
    try:
        with store.database.write() as connection:
            for each in news:
                _insert(connection, *each)
    except DatabaseFailed as error:
        if not error.full:
            raise


def _insert(
    connection: "sqlite3.Connection",
    type_: str,
    action: str,
    actor_id: str,
    attributes: dict[str, str],
) -> None:
    cursor = connection.execute(
        "INSERT INTO events (time_ns, type, action, actor_id, attributes) VALUES (?, ?, ?, ?, ?)",
        (time.time_ns(), type_, action, actor_id, json.dumps(attributes)),
    )
    if (cursor.lastrowid or 0) % 256 == 0:
        connection.execute(
            "DELETE FROM events WHERE number <= ?", ((cursor.lastrowid or 0) - KEPT,)
        )


def events_after(store: Store, number: int) -> Iterator[Event]:
    """Events recorded since the one called `number`, oldest first."""
    for row in store.database.connection.execute(
        "SELECT * FROM events WHERE number > ? ORDER BY number", (number,)
    ):
        yield Event(
            number=row["number"],
            time_ns=row["time_ns"],
            type=row["type"],
            action=row["action"],
            actor_id=row["actor_id"],
            attributes=json.loads(row["attributes"]),
        )
