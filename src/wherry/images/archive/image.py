"""An image in an archive, as a value: found and checked against itself, not yet taken in."""

import hashlib

from wherry.images.archive.members import InvalidImageArchive, Member
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import DiffID, Digest
from wherry.oci.image_config import ImageConfig
from wherry.oci.reference import Reference
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivedLayer:
    """A layer's tar, packed or not. A descriptor binds its bytes, the diff ID its contents."""

    diff_id: DiffID
    member: Member
    descriptor: Descriptor | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivedImage:
    """`document` and `manifest` are the configuration and the manifest as they were hashed."""

    document: bytes
    config: ImageConfig
    layers: tuple[ArchivedLayer, ...]
    names: tuple[Reference, ...] = ()
    manifest: bytes | None = None


def check_digest(expected: Digest, data: bytes, name: str) -> None:
    """InvalidImageArchive unless `data`, the member called `name`, has the digest."""
    found = Digest.of_hash(hashlib.new(expected.algorithm, data))
    if found != expected:
        raise InvalidImageArchive(f"{name!r} has digest {found}, expected {expected}")


def check_layer_count(config: ImageConfig, found: int) -> None:
    """InvalidImageArchive, in Docker's words, unless the configuration has so many layers."""
    expected = len(config.rootfs.diff_ids)
    if found != expected:
        raise InvalidImageArchive(
            f"manifest, layers length mismatch: expected {expected}, got {found}"
        )
