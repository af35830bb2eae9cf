"""Rows of the build cache: which layer a build step made, of what, and what that took.

    build_cache   key -> layer; `inputs` is the document whose hash the key is
    build_places  where in which Dockerfile a key was last used: what the next build compares with

A key is the hash of everything that a step depends on, so a row never becomes wrong: it is found
or not. The layers of these rows are kept from the collector until a row is pruned.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from sqlite3 import Connection, Row

from wherry.oci.digest import ChainID, DiffID, Digest
from wherry.store.build_history import PastStep, forget_builds, record_build
from wherry.store.built import key_of
from wherry.values import dataclass

SCHEMA = """
CREATE TABLE build_cache (
    key TEXT PRIMARY KEY,
    chain_id TEXT NOT NULL,
    diff_id TEXT NOT NULL,
    parent_chain_id TEXT,
    description TEXT NOT NULL,
    kind TEXT NOT NULL,
    inputs BLOB NOT NULL,
    size INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    created_ns INTEGER NOT NULL,
    used_ns INTEGER NOT NULL,
    uses INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX build_cache_by_chain ON build_cache (chain_id);
CREATE TABLE build_places (
    place TEXT NOT NULL,
    number INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (place, number)
) WITHOUT ROWID;
CREATE INDEX build_places_by_key ON build_places (key)
"""

Inputs = Mapping[str, object]
"""What a step depends on: a JSON document."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheRecord:
    """One step that was carried out. `duration_ns` is how long that took."""

    key: Digest
    chain_id: ChainID
    diff_id: DiffID
    parent: ChainID | None
    description: str
    kind: str
    """As `builder du` has it: regular, or source.local for files copied from a context."""
    size: int
    duration_ns: int
    created_ns: int
    used_ns: int
    uses: int

    @property
    def text(self) -> str:
        """The instruction as it was written: the description without the step's number."""
        return self.description.partition("] ")[2]


@dataclass(frozen=True, slots=True)
class Use:
    """A record that a build used, and where: the `number`th step of `place`."""

    place: str
    number: int
    key: Digest
    step: PastStep | None = None
    """The step as the history of builds is to tell of it."""


def find_record(connection: Connection, key: Digest) -> CacheRecord | None:
    row = connection.execute("SELECT * FROM build_cache WHERE key = ?", (str(key),)).fetchone()
    return None if row is None else _record(row)


def list_records(connection: Connection) -> Iterator[CacheRecord]:
    """Every record, the one used last first, as `builder du` lists them."""
    rows = connection.execute("SELECT * FROM build_cache ORDER BY used_ns DESC, key")
    return map(_record, rows)


def insert_record(connection: Connection, record: CacheRecord, inputs: Inputs) -> None:
    """Remember a step; the same step of a simultaneous build is replaced."""
    connection.execute(
        "INSERT OR REPLACE INTO build_cache VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            str(record.key),
            str(record.chain_id),
            str(record.diff_id),
            None if record.parent is None else str(record.parent),
            record.description,
            record.kind,
            _packed(inputs),
            record.size,
            record.duration_ns,
            record.created_ns,
            record.used_ns,
            record.uses,
        ),
    )


def note_uses(connection: Connection, uses: Iterable[Use], now_ns: int) -> None:
    """Remember which records a build used, and where."""
    uses = list(uses)
    connection.executemany(
        "UPDATE build_cache SET used_ns = ?, uses = uses + 1 WHERE key = ?",
        [(now_ns, str(use.key)) for use in uses],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO build_places VALUES (?, ?, ?)",
        [(use.place, use.number, str(use.key)) for use in uses],
    )
    steps = [use.step for use in uses if use.step is not None]
    if any(step.reason for step in steps):
        record_build(connection, uses[0].place, now_ns, steps)


def inputs_of(connection: Connection, key: Digest) -> Inputs | None:
    row = connection.execute("SELECT inputs FROM build_cache WHERE key = ?", (str(key),)).fetchone()
    return None if row is None else _unpacked(row["inputs"])


def record_at(connection: Connection, place: str, number: int) -> CacheRecord | None:
    """What the last build from `place` used for its step of that number."""
    row = connection.execute(
        "SELECT build_cache.* FROM build_places JOIN build_cache USING (key)"
        " WHERE place = ? AND number = ?",
        (place, number),
    ).fetchone()
    return None if row is None else _record(row)


def places_of(connection: Connection, dockerfile: str) -> list[str]:
    """Where builds of this Dockerfile were, the last one first; see `built.key_of`."""
    rows = connection.execute(
        "SELECT place FROM build_places JOIN build_cache USING (key) WHERE instr(place, ?)"
        " GROUP BY place ORDER BY max(used_ns) DESC",
        (key_of(dockerfile),),
    )
    return [row["place"] for row in rows]


def records_of_place(connection: Connection, place: str) -> dict[int, CacheRecord]:
    """What the last build from `place` used, by the numbers of its steps."""
    rows = connection.execute(
        "SELECT number, build_cache.* FROM build_places JOIN build_cache USING (key)"
        " WHERE place = ?",
        (place,),
    )
    return {row["number"]: _record(row) for row in rows}


def records_alike(connection: Connection, record: CacheRecord) -> list[CacheRecord]:
    """The records of the same instruction on the same parent, this one among them."""
    rows = connection.execute(
        "SELECT * FROM build_cache WHERE parent_chain_id IS ? AND kind = ?",
        (None if record.parent is None else str(record.parent), record.kind),
    )
    return [alike for alike in map(_record, rows) if alike.text == record.text]


def delete_records(connection: Connection, keys: Iterable[Digest]) -> None:
    """Forget the records. Their layers may be garbage from here on."""
    doomed = [(str(key),) for key in keys]
    connection.executemany("DELETE FROM build_cache WHERE key = ?", doomed)
    connection.executemany("DELETE FROM build_places WHERE key = ?", doomed)
    forget_builds(connection)


def _packed(inputs: Inputs) -> bytes:
    return zlib.compress(json.dumps(inputs, separators=(",", ":")).encode("utf-8"), 1)


def _unpacked(data: bytes) -> Inputs:
    document = json.loads(zlib.decompress(data))
    assert isinstance(document, dict)
    return document


def _record(row: Row) -> CacheRecord:
    return CacheRecord(
        key=Digest(row["key"]),
        chain_id=ChainID(row["chain_id"]),
        diff_id=DiffID(row["diff_id"]),
        parent=ChainID(row["parent_chain_id"]) if row["parent_chain_id"] else None,
        description=row["description"],
        kind=row["kind"],
        size=row["size"],
        duration_ns=row["duration_ns"],
        created_ns=row["created_ns"],
        used_ns=row["used_ns"],
        uses=row["uses"],
    )
