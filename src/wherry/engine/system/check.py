"""Whether everything is here that the database promises, and nothing besides: `system check`."""

from typing import TYPE_CHECKING

from wherry.linux.locks import EXCLUSIVE, locked
from wherry.store.checks.blobs import check_blobs
from wherry.store.checks.database import check_database
from wherry.store.checks.finding import Finding, State
from wherry.store.checks.images import check_images
from wherry.store.checks.layers import check_layers
from wherry.store.checks.places import check_places
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_COUNTED = ("images", "layers", "containers", "volumes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkup:
    """`counts` tells how many of what were looked at."""

    findings: tuple[Finding, ...]
    counts: dict[str, int]

    @property
    def faults(self) -> int:
        return sum(1 for finding in self.findings if finding.state.is_fault)


def check_system(engine: "Engine", *, rehash: bool = False) -> Checkup:
    """What is damaged, missing or orphaned. With `rehash` all content is read and hashed again.

    Safe beside any writer: what comes or goes meanwhile is not among the findings.
    """
    store = engine.store
    store.make_folders()
    found = [*check_database(store.database.connection, thoroughly=rehash)]
    if not found:
        with (
            locked(store.root / "tmp" / ".gate", EXCLUSIVE),
            store.database.write() as connection,
        ):
            found += check_places(store, connection)
            found += check_images(connection)
        found += check_layers(store, rehash=rehash)
        found += check_blobs(store, rehash=rehash)
    return Checkup(findings=_sorted(found), counts=_counts(engine))


def _sorted(found: list[Finding]) -> tuple[Finding, ...]:
    """Faults first; nothing twice, and of what goes anyway not what is wrong with it."""
    orphans = {(each.kind, each.name) for each in found if each.state is State.ORPHANED}
    kept: dict[tuple[object, str], Finding] = {}
    for each in found:
        if each.state is State.ORPHANED or (each.kind, each.name) not in orphans:
            kept.setdefault((each.kind, each.name), each)
    return tuple(sorted(kept.values(), key=lambda each: not each.state.is_fault))


def _counts(engine: "Engine") -> dict[str, int]:
    connection = engine.store.database.connection
    counts = {}
    for table in _COUNTED:
        (counts[table],) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return counts
