"""Blobs that are still on their way: `downloads/<algorithm>-<hex>`, kept across kills.

Whoever downloads holds a lock on the file; another who wants the same blob waits for it and then
finds the blob in the store, or takes over where the first one was stopped. Nothing trusts what a
partial file holds: the download hashes it again from its first byte.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wherry.linux.locks import EXCLUSIVE, try_lock
from wherry.linux.openat import opened
from wherry.oci.digest import Digest
from wherry.store.blobs import Blob, adopt_blob
from wherry.store.leases import Lease
from wherry.store.store import Store
from wherry.values import dataclass

_KEPT_SECONDS = 7 * 86400.0  # who has not come back for it by then will not


@dataclass(frozen=True, kw_only=True, slots=True)
class PartialBlob:
    """A file, locked by us, that holds the beginning of a blob."""

    path: Path
    descriptor: int
    digest: Digest

    def commit(self, lease: Lease) -> Blob:
        """Make it a blob of the store; the caller has verified that it is whole."""
        return adopt_blob(lease, self.path, self.descriptor, self.digest)


@contextmanager
def partial_blob(store: Store, digest: Digest) -> Iterator[PartialBlob]:
    """The file in which `digest` is being gathered, for us alone; it stays if it is not finished.

    Another process may have finished it while we waited: look into the store first.
    """
    folder = store.root / "downloads"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{digest.algorithm}-{digest.hex}"
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with opened(os.open(path, flags, 0o600)) as descriptor:
            fcntl.flock(descriptor, EXCLUSIVE)
            if not _is_at(descriptor, path):
                continue  # finished, or cleared away, while we waited
            try:
                yield PartialBlob(path=path, descriptor=descriptor, digest=digest)
            finally:
                if _is_at(descriptor, path) and os.fstat(descriptor).st_size == 0:
                    path.unlink()
            return


def discard_download(store: Store, digest: Digest) -> None:
    """Let the next download of the blob begin anew; none there is fine."""
    (store.root / "downloads" / f"{digest.algorithm}-{digest.hex}").unlink(missing_ok=True)


def remove_old_downloads(store: Store) -> int:
    """Remove what nobody has gone on with for a week; the bytes that freed."""
    freed = 0
    for path in old_downloads(store):
        freed += path.stat().st_size
        path.unlink()
    return freed


def old_downloads(store: Store) -> Iterator[Path]:
    """What nobody has gone on with for a week, each locked while the caller looks at it."""
    before = time.time() - _KEPT_SECONDS
    folder = store.root / "downloads"
    for path in folder.iterdir() if folder.is_dir() else ():
        with opened(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)) as descriptor:
            if os.fstat(descriptor).st_mtime < before and try_lock(descriptor):
                yield path


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)
