"""Garbage: what killed processes left, and what no image and no container needs any more.

Safe beside any writer. What a live process has in hand is claimed (see `leases`), and claims are
read and made under one gate. The folder of a layer, a container or a volume appears in the
transaction of its row, so inside another a folder without a row belongs to nobody. Rows go before
their files: a kill in between leaves files that the next collection finds.
"""

import _sqlite3 as sqlite3
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from wherry.errors import InvalidArgument
from wherry.linux.locks import EXCLUSIVE, locked, try_lock
from wherry.linux.process import process_state
from wherry.oci.digest import ChainID, Digest
from wherry.store.leases import claims_in
from wherry.store.store import Store
from wherry.store.volumes import finish_renames
from wherry.typed import TYPE_CHECKING
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.store.blobs import Blob


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """What went. `freed` counts the layers' sizes and the blobs' bytes."""

    layers: tuple[ChainID, ...] = ()
    blobs: tuple[Digest, ...] = ()
    freed: int = 0


def collect(store: Store) -> Collected:
    """Remove everything that nothing needs, and say which layers and blobs that were."""
    # Each start of a container sweeps, few collect.
    from wherry.store.blobs import remove_blob
    from wherry.store.downloads import remove_old_downloads
    from wherry.store.layer_blobs import forget_blobs_of_gone_layers

    with store.staging_folder() as doomed:
        with locked(store.root / "tmp" / ".gate", EXCLUSIVE):
            claims = _sort_out_staging(store, doomed)
            with store.database.write() as connection:
                layers = needless_layers(connection, claims)
                for layer in layers:
                    connection.execute("DELETE FROM layers WHERE id = ?", (layer["id"],))
                forget_blobs_of_gone_layers(connection)
            store.trace("layers forgotten")
            freed = sum(layer["size"] for layer in layers)
            with store.database.write() as connection:
                _move_strays(store, connection, doomed)
                blobs = needless_blobs(store, connection, claims)
            store.trace("layers moved away")
            for blob in blobs:
                remove_blob(store, blob.digest)
                freed += blob.size
        freed += remove_old_downloads(store)
        # What was moved goes with the staging folder, outside the gate: that takes time.
        return Collected(
            layers=tuple(ChainID(layer["chain_id"]) for layer in layers),
            blobs=tuple(blob.digest for blob in blobs),
            freed=freed,
        )


def has_dead_staging(store: Store) -> bool:
    """Whether a process that is gone has left something under tmp. Costs next to nothing."""
    try:
        names = os.listdir(store.root / "tmp")
    except FileNotFoundError:
        return False
    # The names of staging folders begin with their makers' process numbers.
    owners = {name.partition("-")[0] for name in names if not name.startswith(".")}
    return any(not _lives(owner) for owner in owners)


def has_strays(store: Store) -> bool:
    """Whether anything was put in place and not committed. What a live process is just putting
    there counts, too: `sweep` tells the two apart."""
    store.make_folders()
    return any(True for _ in strays(store, store.database.connection))


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
    for entry, is_dead in staged_entries(store):
        if is_dead:
            _move(entry, doomed)
        elif entry.is_dir():
            claims.update(claims_in(entry))
    return claims


def staged_entries(store: Store) -> Iterator[tuple[Path, bool]]:
    """What is under tmp, and whether its owner is dead; to be called with the gate closed."""
    for entry in (store.root / "tmp").iterdir():
        if entry.name == ".gate":
            continue
        with ExitStack() as stack:
            try:
                descriptor = os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # its owner has just finished
            except OSError:  # a link or a socket, which no writer of ours makes there
                yield entry, True
                continue
            stack.callback(os.close, descriptor)
            yield entry, try_lock(descriptor)


def needless_layers(connection: sqlite3.Connection, claims: set[str]) -> list[sqlite3.Row]:
    """The rows of layers that nothing stands on; none comes before those on top of it."""
    rows = connection.execute("SELECT * FROM layers ORDER BY id DESC").fetchall()
    parents = {row["chain_id"]: row["parent_chain_id"] for row in rows}
    needed: set[str] = set()
    for chain in _roots(connection, claims):
        top: str | None = chain
        while top is not None and top not in needed:
            needed.add(top)
            top = parents.get(top)
    return [row for row in rows if row["chain_id"] not in needed]


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
    """Move away what has a place of layers, containers, volumes or blobs and no row or name."""
    finish_renames(store, {row["name"] for row in connection.execute("SELECT name FROM volumes")})
    known = {str(row["id"]) for row in connection.execute("SELECT id FROM layers")}
    for link in (store.root / "layers" / "l").iterdir():
        if link.name.isdigit() and link.name not in known:
            link.unlink()
    for entry in strays(store, connection):
        _move(entry, doomed)


def strays(store: Store, connection: sqlite3.Connection) -> Iterator[Path]:
    """What lies where only layers, containers, volumes and blobs may, and is none of them."""
    layers = {str(row["id"]) for row in connection.execute("SELECT id FROM layers")}
    for entry in (store.root / "layers").iterdir():
        if entry.name.isdigit() and entry.name not in layers:
            yield entry
    for folder, key in (("containers", "id"), ("volumes", "name")):
        known = {row[key] for row in connection.execute(f"SELECT {key} FROM {folder}")}
        for entry in (store.root / folder).iterdir():
            if entry.name not in known:
                yield entry
    from wherry.store.blobs import stray_files  # see collect

    yield from stray_files(store)


def needless_blobs(store: Store, connection: sqlite3.Connection, claims: set[str]) -> "list[Blob]":
    """The blobs that no image's manifest names, and no live writer has in hand."""
    from wherry.store.blobs import list_blobs  # see collect

    needed = {f"blob-{digest.algorithm}-{digest.hex}" for digest in _named_blobs(connection)}
    needed |= claims
    return [
        blob
        for blob in list_blobs(store)
        if f"blob-{blob.digest.algorithm}-{blob.digest.hex}" not in needed
    ]


def _named_blobs(connection: sqlite3.Connection) -> Iterator[Digest]:
    """The digests in every image's manifest, and its own."""
    for row in connection.execute("SELECT id, manifest FROM images"):
        yield Digest(row["id"])
        if row["manifest"] is not None:
            yield Digest.of_bytes(row["manifest"])
            with suppress(ValueError, RecursionError):  # damaged: `system check` tells
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
