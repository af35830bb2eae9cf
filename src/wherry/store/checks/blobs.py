"""Blobs: as long as the manifests say, and with `rehash` what their names say."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from sqlite3 import Connection

from wherry.errors import InvalidArgument
from wherry.oci.digest import Digest
from wherry.oci.manifest import Manifest
from wherry.store.blobs import Blob, NoSuchBlob, blob_chunks, list_blobs
from wherry.store.checks.finding import Finding, Kind, State
from wherry.store.store import Store


def check_blobs(store: Store, *, rehash: bool) -> Iterator[Finding]:
    """The blobs that are not what the images' manifests, or their own names, say."""
    sizes = _stated_sizes(store.database.connection)
    for blob in list_blobs(store):
        stated = sizes.get(blob.digest, blob.size)
        if blob.size != stated:
            yield _damaged(blob.digest, f"has {blob.size} bytes, expected {stated}")
        elif rehash:
            with suppress(NoSuchBlob):  # removed since it was listed
                yield from _hashed(store, blob)


def _hashed(store: Store, blob: Blob) -> Iterator[Finding]:
    digest = hashlib.new(blob.digest.algorithm)
    try:
        for piece in blob_chunks(store, blob.digest):
            digest.update(piece)
    except OSError as error:
        yield _damaged(blob.digest, f"cannot be read: {(error.strerror or str(error)).lower()}")
        return
    found = Digest.of_hash(digest)
    if found != blob.digest:
        yield _damaged(blob.digest, f"its bytes have digest {found}")


def _stated_sizes(connection: Connection) -> dict[Digest, int]:
    sizes: dict[Digest, int] = {}
    for row in connection.execute("SELECT manifest FROM images WHERE manifest IS NOT NULL"):
        with suppress(InvalidArgument):  # a damaged one is found where images are checked
            manifest = Manifest.from_bytes(row["manifest"])
            sizes |= {layer.digest: layer.size for layer in manifest.layers}
    return sizes


def _damaged(digest: Digest, problem: str) -> Finding:
    return Finding(state=State.DAMAGED, kind=Kind.BLOB, name=str(digest), problem=problem)
