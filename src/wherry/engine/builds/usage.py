"""What the build cache holds: layers that steps made, folders of cache mounts, what was fetched."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.build.kept_sources import SOURCES
from wherry.build.mounts import CACHES
from wherry.oci.digest import ChainID, Digest
from wherry.store.build_cache import list_records
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

CACHE_MOUNT = "exec.cachemount"
FETCHED, GIT = "regular", "source.git.checkout"


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheEntry:
    """One thing in the cache, sizes in bytes. `shared` ones are part of an image too.

    Either `key` is a record's, or `folder` that of a cache mount or something fetched.
    """

    id: str
    kind: str
    description: str
    size: int
    created_ns: int
    used_ns: int
    uses: int
    shared: bool = False
    parents: tuple[str, ...] = ()
    """The IDs of records whose layer it lies on."""
    chain_id: ChainID | None = None
    key: Digest | None = None
    folder: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheUsage:
    """Everything in the cache, the one used last first."""

    entries: tuple[CacheEntry, ...]

    @property
    def total(self) -> int:
        """Bytes, each layer counted once."""
        return _sum(self.entries)

    @property
    def reclaimable(self) -> int:
        """Bytes that pruning everything would free."""
        return _sum(entry for entry in self.entries if not entry.shared)


def cache_usage(engine: "Engine") -> CacheUsage:
    """What the cache holds. Walks its folders."""
    connection = engine.store.database.connection
    rows = connection.execute("SELECT DISTINCT chain_id FROM image_layers")
    of_images = {ChainID(row["chain_id"]) for row in rows}
    records = list(list_records(connection))
    makers: dict[ChainID | None, list[str]] = {}
    for record in records:
        makers.setdefault(record.chain_id, []).append(_id_of(record.key))
    entries = [
        CacheEntry(
            id=_id_of(record.key),
            kind=record.kind,
            description=record.description,
            size=record.size,
            created_ns=record.created_ns,
            used_ns=record.used_ns,
            uses=record.uses,
            shared=record.chain_id in of_images,
            parents=tuple(makers.get(record.parent, ())),
            chain_id=record.chain_id,
            key=record.key,
        )
        for record in records
    ]
    folder = engine.store.root / "build"
    entries += _folders(folder / CACHES, CACHE_MOUNT, "cached mount ")
    entries += _folders(folder / SOURCES, FETCHED, "")
    entries.sort(key=lambda entry: -entry.used_ns)
    return CacheUsage(entries=tuple(entries))


def _id_of(key: Digest) -> str:
    return key.hex[:25]  # as long as BuildKit's


def _folders(parent: Path, kind: str, front: str) -> Iterator[CacheEntry]:
    try:
        folders = sorted(parent.iterdir())
    except FileNotFoundError:
        return
    for folder in folders:
        try:
            name = (folder / "id").read_text(errors="replace")
            status = folder.stat()
        except FileNotFoundError:
            continue  # pruned meanwhile
        yield CacheEntry(
            id=folder.name[:25],
            kind=GIT if name.startswith("git ") else kind,
            description=front + name,
            size=_tree_size(folder),
            created_ns=(folder / "id").stat().st_mtime_ns,
            used_ns=status.st_mtime_ns,
            uses=0,
            folder=folder,
        )


def _tree_size(folder: Path) -> int:
    size = 0
    for _, _, names, directory in os.fwalk(folder, follow_symlinks=False):
        for name in names:
            try:
                size += os.stat(name, dir_fd=directory, follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
    return size


def _sum(entries: "Iterator[CacheEntry] | tuple[CacheEntry, ...]") -> int:
    sizes = {entry.chain_id or entry.folder: entry.size for entry in entries}
    return sum(sizes.values())
