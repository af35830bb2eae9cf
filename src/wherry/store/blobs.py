"""Blobs: content-addressed files, `blobs/<algorithm>/<hex>`.

A blob is hashed while it is written under tmp, synced, and renamed only when its digest and size
are those expected: a wrong one never becomes visible, and one that is there is whole.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

from wherry.errors import Internal, InvalidArgument, NotFound
from wherry.linux.files import write_all
from wherry.oci.digest import Digest, InvalidDigest
from wherry.store.leases import Lease
from wherry.store.store import Store
from wherry.values import dataclass

READ_SIZE = 1 << 18
DOCUMENT_LIMIT = 4 << 20  # bytes of a manifest or config, the registries' own bound


class NoSuchBlob(NotFound):
    def __init__(self, digest: Digest) -> None:
        super().__init__(f"content {digest}: not found")
        self.digest = digest


class WrongDigest(InvalidArgument):
    def __init__(self, found: Digest, expected: Digest) -> None:
        super().__init__(f"unexpected commit digest {found}, expected {expected}")
        self.found = found
        self.expected = expected


class WrongSize(InvalidArgument):
    def __init__(self, found: int, expected: int) -> None:
        super().__init__(f"unexpected commit size {found}, expected {expected}")
        self.found = found
        self.expected = expected


class CorruptBlob(Internal):
    def __init__(self, digest: Digest, problem: str) -> None:
        super().__init__(f"content {digest} in the store is damaged: {problem}")
        self.digest = digest


@dataclass(frozen=True, kw_only=True, slots=True)
class Blob:
    """A blob that is in the store."""

    digest: Digest
    size: int


class BlobWriter:
    """A blob being written. Leaving the block without `commit` forgets it."""

    def __init__(
        self, lease: Lease, *, digest: Digest | None = None, size: int | None = None
    ) -> None:
        self._lease = lease
        self._expected_digest = digest
        self._expected_size = size
        self._hash = hashlib.new(digest.algorithm if digest else "sha256")
        self._path = lease.new_path("-blob")
        self._size = 0
        self._descriptor = -1

    def __enter__(self) -> Self:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)

    def write(self, data: bytes | memoryview) -> None:
        """Append; WrongSize as soon as more arrives than was announced."""
        self._size += len(data)
        if self._expected_size is not None and self._size > self._expected_size:
            raise WrongSize(self._size, self._expected_size)
        write_all(self._descriptor, data)
        self._hash.update(data)

    def commit(self) -> Blob:
        """Make the blob visible under its digest, or raise WrongSize or WrongDigest."""
        if self._expected_size is not None and self._size != self._expected_size:
            raise WrongSize(self._size, self._expected_size)
        digest = Digest.of_hash(self._hash)
        if self._expected_digest is not None and digest != self._expected_digest:
            raise WrongDigest(digest, self._expected_digest)
        self._lease.claim(f"blob-{digest.algorithm}-{digest.hex}")
        target = _path_of(self._lease.store, digest)
        self._lease.trace("blob written")
        if not target.exists():
            os.fsync(self._descriptor)
            self._lease.trace("blob synced")
            target.parent.mkdir(mode=0o711, exist_ok=True)
            os.rename(self._path, target)
            self._lease.trace("blob visible")
        return Blob(digest=digest, size=self._size)


def ingest_blob(
    lease: Lease,
    chunks: Iterable[bytes],
    *,
    digest: Digest | None = None,
    size: int | None = None,
) -> Blob:
    """Take in a blob, which must have this digest and size if they are given."""
    with BlobWriter(lease, digest=digest, size=size) as writer:
        for chunk in chunks:
            writer.write(chunk)
        return writer.commit()


def adopt_blob(lease: Lease, path: Path, descriptor: int, digest: Digest) -> Blob:
    """Make the file `path`, open as `descriptor`, the blob `digest`: the caller has verified it."""
    lease.claim(f"blob-{digest.algorithm}-{digest.hex}")
    target = _path_of(lease.store, digest)
    os.fsync(descriptor)
    lease.trace("blob synced")
    target.parent.mkdir(mode=0o711, exist_ok=True)
    os.rename(path, target)
    lease.trace("blob visible")
    return Blob(digest=digest, size=os.fstat(descriptor).st_size)


def claim_blob(lease: Lease, digest: Digest) -> bool:
    """Whether the blob is here; if so it stays as long as the lease."""
    lease.claim(f"blob-{digest.algorithm}-{digest.hex}")
    return has_blob(lease.store, digest)


def has_blob(store: Store, digest: Digest) -> bool:
    return _path_of(store, digest).exists()


def blob_size(store: Store, digest: Digest) -> int:
    """The blob's length in bytes, or NoSuchBlob."""
    try:
        return _path_of(store, digest).stat().st_size
    except FileNotFoundError:
        raise NoSuchBlob(digest) from None


def open_blob(store: Store, digest: Digest) -> BinaryIO:
    """The blob as an unbuffered file, or NoSuchBlob."""
    try:
        return _path_of(store, digest).open("rb", buffering=0)
    except FileNotFoundError:
        raise NoSuchBlob(digest) from None


def blob_chunks(store: Store, digest: Digest) -> Iterator[bytes]:
    """The blob in pieces; raises NoSuchBlob at the call, not at the first piece."""
    return read_chunks(open_blob(store, digest))


def read_blob(store: Store, digest: Digest, *, limit: int = DOCUMENT_LIMIT) -> bytes:
    """A small blob as a whole, its digest verified again."""
    with open_blob(store, digest) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise InvalidArgument(f"content {digest} is larger than {limit} bytes")
    if Digest.of_hash(hashlib.new(digest.algorithm, data)) != digest:
        raise CorruptBlob(digest, "its bytes have another digest")
    return data


def remove_blob(store: Store, digest: Digest) -> None:
    """Remove the blob at once; none there is fine. Unneeded ones are otherwise garbage's."""
    _path_of(store, digest).unlink(missing_ok=True)


def list_blobs(store: Store) -> Iterator[Blob]:
    """Every blob in the store, in no order."""
    for folder in (store.root / "blobs").iterdir():
        for path in folder.iterdir() if folder.is_dir() else ():
            with suppress(InvalidDigest, FileNotFoundError):  # a stray, or gone meanwhile
                yield Blob(digest=Digest(f"{folder.name}:{path.name}"), size=path.stat().st_size)


def stray_files(store: Store) -> Iterator[Path]:
    """What lies among the blobs and is none by its name."""
    for folder in (store.root / "blobs").iterdir():
        if not folder.is_dir():
            yield folder
            continue
        for path in folder.iterdir():
            try:
                Digest(f"{folder.name}:{path.name}")
            except InvalidDigest:
                yield path


def read_chunks(file: BinaryIO, size: int = READ_SIZE) -> Iterator[bytes]:
    """What is left in `file`, piece by piece; the file is closed at the end."""
    with file:
        while data := file.read(size):
            yield data


def _path_of(store: Store, digest: Digest) -> Path:
    return store.root / "blobs" / digest.algorithm / digest.hex
