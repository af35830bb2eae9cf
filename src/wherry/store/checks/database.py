"""The database's own structure, and rows that refer to rows."""

from collections.abc import Iterator
from sqlite3 import Connection

from wherry.store.checks.finding import Finding, Kind, State

_ENOUGH = 20  # problems of a damaged file; more say no more


def check_database(connection: Connection, *, thoroughly: bool) -> Iterator[Finding]:
    """What SQLite finds; `thoroughly` compares indexes with their tables, too."""
    pragma = "integrity_check" if thoroughly else "quick_check"
    for (text,) in connection.execute(f"PRAGMA {pragma}({_ENOUGH})"):
        if text != "ok":
            yield _damaged(text)
    for row in connection.execute("PRAGMA foreign_key_check").fetchmany(_ENOUGH):
        yield _damaged(
            f"a row of {row['table']} refers to one of {row['parent']} that is not there"
        )


def _damaged(problem: str) -> Finding:
    return Finding(state=State.DAMAGED, kind=Kind.DATABASE, name="wherry.db", problem=problem)
