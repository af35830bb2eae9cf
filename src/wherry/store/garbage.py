"""Garbage: what killed processes left, and what no image and no container needs any more.

Safe beside any writer. What a live process has in hand is claimed (see `leases`), and claims are
read and made under one gate. The folder of a layer, a container or a volume appears in the
transaction of its row, so inside another a folder without a row belongs to nobody. Rows go before
their files: a kill in between leaves files that the next collection finds.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from wherry.errors import InvalidArgument
from wherry.linux.locks import EXCLUSIVE, locked, try_lock
from wherry.linux.process import process_state
from wherry.oci.digest import ChainID, Digest
from wherry.store.blobs import list_blobs, remove_blob
from wherry.store.downloads import remove_old_downloads
from wherry.store.layer_blobs import forget_blobs_of_gone_layers
from wherry.store.leases import claims_in
from wherry.store.store import Store
from wherry.store.volumes import finish_renames
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """What went. `freed` counts the layers' sizes and the blobs' bytes."""

    layers: tuple[ChainID, ...] = ()
    blobs: tuple[Digest, ...] = ()
    freed: int = 0


def collect(store: Store) -> Collected:
    """Remove everything that nothing needs, and say which layers and blobs that were."""
    with store.staging_folder() as doomed:
        with locked(store.root / "tmp" / ".gate", EXCLUSIVE):
            claims = _sort_out_staging(store, doomed)
            with store.database.write() as connection:
                layers, freed = _delete_layers(connection, claims)
                forget_blobs_of_gone_layers(connection)
            with store.database.write() as connection:
                _move_strays(store, connection, doomed)
                blobs = _needless_blobs(store, connection, claims)
            for digest, size in blobs.items():
                remove_blob(store, digest)
                freed += size
        freed += remove_old_downloads(store)
        # What was moved goes with the staging folder, outside the gate: that takes time.
        return Collected(layers=tuple(layers), blobs=tuple(blobs), freed=freed)


def has_dead_staging(store: Store) -> bool:
    """Whether a process that is gone has left something under tmp. Costs next to nothing."""
    try:
        names = os.listdir(store.root / "tmp")
    except FileNotFoundError:
        return False
    # The names of staging folders begin with their makers' process numbers.
    owners = {name.partition("-")[0] for name in names if not name.startswith(".")}
    return any(not _lives(owner) for owner in owners)


def _lives(pid: str) -> bool:
    try:
        return process_state(int(pid)) != "Z"
    except (ValueError, OSError):
        return False


def sweep(store: Store) -> None:
    """Remove what killed processes left under tmp, or put in place and did not commit.

    Layers and blobs that merely are not needed stay.
    """
    with store.staging_folder() as doomed, locked(store.root / "tmp" / ".gate", EXCLUSIVE):
        _sort_out_staging(store, doomed)
        with store.database.write() as connection:
            _move_strays(store, connection, doomed)


def _sort_out_staging(store: Store, doomed: Path) -> set[str]:
    """Move what no live process holds into `doomed`; the claims of those that live."""
    claims: set[str] = set()
    for entry in (store.root / "tmp").iterdir():
        if entry.name == ".gate":
            continue
        with ExitStack() as stack:
            try:
                descriptor = os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # its owner has just finished
            stack.callback(os.close, descriptor)
            if try_lock(descriptor):
                _move(entry, doomed)
            elif entry.is_dir():
                claims.update(claims_in(entry))
    return claims


def _delete_layers(connection: sqlite3.Connection, claims: set[str]) -> tuple[list[ChainID], int]:
    rows = connection.execute("SELECT * FROM layers ORDER BY id DESC").fetchall()
    parents = {row["chain_id"]: row["parent_chain_id"] for row in rows}
    needed: set[str] = set()
    for chain in _roots(connection, claims):
        top: str | None = chain
        while top is not None and top not in needed:
            needed.add(top)
            top = parents.get(top)
    gone: list[ChainID] = []
    freed = 0
    for row in rows:  # newest first: no layer goes before those on top of it
        if row["chain_id"] not in needed:
            connection.execute("DELETE FROM layers WHERE id = ?", (row["id"],))
            gone.append(ChainID(row["chain_id"]))
            freed += row["size"]
    return gone, freed


def _roots(connection: sqlite3.Connection, claims: set[str]) -> Iterator[str]:
    """The chains that images, containers, the build cache and live writers stand on."""
    for row in connection.execute(
        "SELECT DISTINCT chain_id FROM image_layers"
        " UNION SELECT json_extract(details, '$.layerChain') FROM containers"
        " UNION SELECT chain_id FROM build_cache"
    ):
        if row["chain_id"]:
            yield row["chain_id"]
    for claim in claims:
        if claim.startswith("layer-"):
            yield "sha256:" + claim.removeprefix("layer-")


def _move_strays(store: Store, connection: sqlite3.Connection, doomed: Path) -> None:
    """Move away folders of layers, containers and volumes that have no row."""
    known = {str(row["id"]) for row in connection.execute("SELECT id FROM layers")}
    links = store.root / "layers" / "l"
    for entry in (store.root / "layers").iterdir():
        if entry.name.isdigit() and entry.name not in known:
            (links / entry.name).unlink(missing_ok=True)
            _move(entry, doomed)
    for link in links.iterdir():
        if link.name.isdigit() and link.name not in known:
            link.unlink()
    for folder, key in (("containers", "id"), ("volumes", "name")):
        known = {row[key] for row in connection.execute(f"SELECT {key} FROM {folder}")}
        if folder == "volumes":
            finish_renames(store, known)
        for entry in (store.root / folder).iterdir():
            if entry.name not in known:
                _move(entry, doomed)


def _needless_blobs(
    store: Store, connection: sqlite3.Connection, claims: set[str]
) -> dict[Digest, int]:
    needed = {f"blob-{digest.algorithm}-{digest.hex}" for digest in _named_blobs(connection)}
    needed |= claims
    return {
        blob.digest: blob.size
        for blob in list_blobs(store)
        if f"blob-{blob.digest.algorithm}-{blob.digest.hex}" not in needed
    }


def _named_blobs(connection: sqlite3.Connection) -> Iterator[Digest]:
    """The digests in every image's manifest, and its own."""
    for row in connection.execute("SELECT id, manifest FROM images"):
        yield Digest(row["id"])
        if row["manifest"] is not None:
            yield Digest.of_bytes(row["manifest"])
            yield from _digests_in(json.loads(row["manifest"]))


def _digests_in(document: object) -> Iterator[Digest]:
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(part.values())
            text = part.get("digest")
            if isinstance(text, str):
                try:
                    yield Digest(text)
                except InvalidArgument:
                    continue  # names no blob of ours


def _move(path: Path, doomed: Path) -> None:
    try:
        os.rename(path, doomed / f"{path.parent.name}-{path.name}")
    except FileNotFoundError:
        return
