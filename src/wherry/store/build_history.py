"""What past builds carried out, and why: `build --advise` learns from it.

    build_history   the steps of each build that carried one out; `reason` is empty for those that
                    were in the cache. `changed` are the files that made a step differ, as JSON.

The last builds of each place are kept, and those of a place as long as its records are.
"""

import json
from collections.abc import Iterable, Iterator
from sqlite3 import Connection

from wherry.values import dataclass

SCHEMA = """
CREATE TABLE build_history (
    place TEXT NOT NULL,
    time_ns INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    reason TEXT NOT NULL,
    changed TEXT NOT NULL,
    duration_ns INTEGER NOT NULL,
    overhead_ns INTEGER NOT NULL,
    PRIMARY KEY (place, time_ns, number)
) WITHOUT ROWID
"""

_KEPT = 100  # builds of a place


@dataclass(frozen=True, kw_only=True, slots=True)
class PastStep:
    """A step of a past build. With a `reason` it was carried out in `duration_ns`.

    `overhead_ns` of these are what any layer takes: measured, synced and put in its place.
    """

    number: int
    text: str
    reason: str = ""
    changed: tuple[str, ...] = ()
    duration_ns: int = 0
    overhead_ns: int = 0


def record_build(
    connection: Connection, place: str, time_ns: int, steps: Iterable[PastStep]
) -> None:
    """Remember a build, and forget the oldest ones of its place."""
    connection.executemany(
        "INSERT OR REPLACE INTO build_history VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                place,
                time_ns,
                step.number,
                step.text,
                step.reason,
                json.dumps(step.changed),
                step.duration_ns,
                step.overhead_ns,
            )
            for step in steps
        ],
    )
    too_old = connection.execute(
        "SELECT DISTINCT time_ns FROM build_history WHERE place = ?"
        " ORDER BY time_ns DESC LIMIT 1 OFFSET ?",
        (place, _KEPT),
    ).fetchone()
    if too_old is not None:
        connection.execute(
            "DELETE FROM build_history WHERE place = ? AND time_ns <= ?",
            (place, too_old["time_ns"]),
        )


def past_builds(connection: Connection, place: str) -> Iterator[tuple[PastStep, ...]]:
    """The builds of a place, oldest first, each with its steps in their order."""
    rows = connection.execute(
        "SELECT * FROM build_history WHERE place = ? ORDER BY time_ns, number", (place,)
    ).fetchall()
    for moment in dict.fromkeys(row["time_ns"] for row in rows):
        yield tuple(
            PastStep(
                number=row["number"],
                text=row["text"],
                reason=row["reason"],
                changed=tuple(json.loads(row["changed"])),
                duration_ns=row["duration_ns"],
                overhead_ns=row["overhead_ns"],
            )
            for row in rows
            if row["time_ns"] == moment
        )


def forget_builds(connection: Connection) -> None:
    """Forget those of places of which the cache has nothing left."""
    connection.execute(
        "DELETE FROM build_history WHERE place NOT IN (SELECT place FROM build_places)"
    )
