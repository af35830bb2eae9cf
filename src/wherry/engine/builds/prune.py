"""Forgetting what the build cache holds, the longest unused first."""

import fcntl
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.build.kept_sources import SOURCES
from wherry.engine.builds.cache_filters import entry_filter
from wherry.engine.builds.usage import CacheEntry, CacheUsage, cache_usage
from wherry.engine.filters import Filters
from wherry.linux.files import remove_tree
from wherry.linux.openat import opened
from wherry.store.build_cache import delete_records
from wherry.store.garbage import collect
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_LONG = 60 * 86400.0  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunedCache:
    """The entries that went, and bytes freed by that."""

    entries: tuple[CacheEntry, ...]
    space_reclaimed: int


def prune_cache(
    engine: "Engine",
    filters: Filters | None = None,
    *,
    everything: bool = False,
    reserved_space: int = 0,
    max_used_space: int = 0,
    min_free_space: int = 0,
) -> PrunedCache:
    """Forget what no image has part in, with `everything` all.

    With `max_used_space` so much may stay, with `min_free_space` what leaves as much of the disk
    free, with both the less of the two; but always `reserved_space`. Bytes, of which those in
    images do not count: they stay on the disk anyway.
    """
    passes = entry_filter(filters or {})
    usage = cache_usage(engine)
    candidates = [
        entry for entry in usage.entries if passes(entry) and (everything or not entry.shared)
    ]
    lacking = _lacking(engine.store.root, min_free_space)
    kept = bytes_kept(usage.reclaimable, reserved_space, max_used_space, lacking)
    doomed = _chosen(candidates, usage.reclaimable, kept)
    if kept is not None and not doomed:
        return PrunedCache(entries=(), space_reclaimed=0)
    with engine.store.database.write() as connection:
        delete_records(connection, [entry.key for entry in doomed if entry.key is not None])
    gone = [entry for entry in doomed if entry.folder is None or _remove_folder(entry.folder)]
    freed = collect(engine.store).freed
    freed += sum(entry.size for entry in gone if entry.folder is not None)
    _forget_indexes(engine)
    engine.events.publish("builder", "prune", "", {"reclaimed": str(freed)})
    return PrunedCache(entries=tuple(gone), space_reclaimed=freed)


def matching(usage: CacheUsage, filters: Filters) -> CacheUsage:
    """The entries that pass the filters."""
    passes = entry_filter(filters)
    return CacheUsage(entries=tuple(entry for entry in usage.entries if passes(entry)))


def bytes_kept(total: int, reserved: int, most: int, lacking: int | None) -> int | None:
    """How many of `total` bytes may stay; None if nothing is to."""
    bounds = [most] if most else []
    if lacking is not None:
        bounds.append(total - lacking)
    if not bounds and not reserved:
        return None
    return max(min(bounds, default=0), reserved)


def _chosen(candidates: list[CacheEntry], total: int, kept: int | None) -> list[CacheEntry]:
    if kept is None:
        return candidates[::-1]
    doomed = []
    for entry in reversed(candidates):  # the longest unused first
        if total <= kept:
            break
        doomed.append(entry)
        if not entry.shared:
            total -= entry.size
    return doomed


def _lacking(root: Path, wanted_free: int) -> int | None:
    """Bytes to be freed so that so many are free; None if that does not matter."""
    if not wanted_free:
        return None
    status = os.statvfs(root)
    return max(0, wanted_free - status.f_bavail * status.f_frsize)


def _remove_folder(folder: Path) -> bool:
    """Remove a cache mount, or what was fetched, unless a build has it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    with opened(descriptor):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        remove_tree(folder)
    return True


def _forget_indexes(engine: "Engine") -> None:
    """The hashes of files in layers, and in what was fetched, that are gone; of folders those
    that no build has added to for long."""
    folder = engine.store.root / "build" / "index"
    sources = set(_names(engine.store.root / "build" / SOURCES))
    rows = engine.store.database.connection.execute("SELECT chain_id FROM layers")
    known = {f"chain-{row['chain_id'].partition(':')[2]}" for row in rows}
    for name in _names(folder):
        kind, _, rest = name.partition("-")
        is_gone = {"chain": name not in known, "kept": rest.partition("-")[0] not in sources}
        with suppress(FileNotFoundError):
            if is_gone.get(kind) or time.time() - (folder / name).stat().st_mtime > _LONG:
                (folder / name).unlink()


def _names(folder: Path) -> Iterable[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return ()
