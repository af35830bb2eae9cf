"""Folders without rows, rows without folders, and what dead processes left."""

import os
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection

from wherry.store.checks.finding import Finding, Kind, State
from wherry.store.downloads import old_downloads
from wherry.store.garbage import needless_blobs, needless_layers, staged_entries, strays
from wherry.store.leases import claims_in
from wherry.store.store import Store
from wherry.store.usage import disk_size

_KINDS = {"layers": Kind.LAYER, "containers": Kind.CONTAINER, "volumes": Kind.VOLUME}


def check_places(store: Store, connection: Connection) -> Iterator[Finding]:
    """To be called with the gate closed and inside a transaction: nothing comes or goes then."""
    claims: set[str] = set()
    for entry, is_dead in staged_entries(store):
        if is_dead:
            yield _orphan(store, entry, Kind.STAGING, "was left by a process that is gone")
        elif entry.is_dir():
            claims.update(claims_in(entry))
    for entry in strays(store, connection):
        kind = _KINDS.get(entry.parent.name)
        if kind is None:
            yield _orphan(store, entry, Kind.FILE, "is no blob")
        else:
            yield _orphan(store, entry, kind, "no row knows it")
    for entry in old_downloads(store):
        yield _orphan(store, entry, Kind.DOWNLOAD, "nobody has gone on with it for a week")
    for row in needless_layers(connection, claims):
        folder = store.root / "layers" / str(row["id"])
        yield Finding(
            state=State.ORPHANED,
            kind=Kind.LAYER,
            name=row["chain_id"],
            problem="nothing stands on it",
            size=disk_size(folder),
        )
    for blob in needless_blobs(store, connection, claims):
        problem = "no image needs it"
        yield Finding(
            state=State.ORPHANED,
            kind=Kind.BLOB,
            name=str(blob.digest),
            problem=problem,
            size=blob.size,
        )
    yield from _rows_without_places(store, connection)


def _rows_without_places(store: Store, connection: Connection) -> Iterator[Finding]:
    for row in connection.execute("SELECT id FROM containers"):
        if not (store.container_folder(row["id"]) / "upper").is_dir():
            yield _missing(Kind.CONTAINER, row["id"], "its folder is not there")
    for row in connection.execute("SELECT name FROM volumes"):
        if not (store.root / "volumes" / row["name"] / "_data").is_dir():
            yield _missing(Kind.VOLUME, row["name"], "its folder is not there")
    for row in connection.execute(
        "SELECT id, json_extract(details, '$.layerChain') AS chain FROM containers"
        " WHERE chain != '' AND chain NOT IN (SELECT chain_id FROM layers)"
    ):
        problem = f"is not here; container {row['id'][:12]} needs it"
        yield _missing(Kind.LAYER, row["chain"], problem)
    for row in connection.execute(
        "SELECT key, chain_id FROM build_cache WHERE chain_id NOT IN (SELECT chain_id FROM layers)"
    ):
        yield Finding(
            state=State.ORPHANED,
            kind=Kind.BUILD_CACHE,
            name=row["key"],
            problem="its layer is not here",
        )


def _orphan(store: Store, path: Path, kind: Kind, problem: str) -> Finding:
    name = os.path.relpath(path, store.root)
    return Finding(
        state=State.ORPHANED, kind=kind, name=name, problem=problem, size=disk_size(path)
    )


def _missing(kind: Kind, name: str, problem: str) -> Finding:
    return Finding(state=State.MISSING, kind=kind, name=name, problem=problem)
