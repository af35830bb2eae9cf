"""Taking images in, wherever they come from: an archive, a registry, a root filesystem, a build.

    with lease_of(store) as lease:
        layers = take_in_layers(lease, sources)
        commit_images(lease, [NewImage(document=..., layers=layers, names=...)], reason="load")

Layers come first. Those that are here already are not read again; the others are unpacked several
at a time, and each one's inflating, hashing and extracting overlap. Until the one transaction at
the end there is no image, and a layer that no image needs is garbage.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from wherry.errors import InvalidArgument
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import ChainID, DiffID, Digest
from wherry.oci.image_config import ImageConfig, image_id
from wherry.oci.reference import Reference
from wherry.oci.timestamps import parse_timestamp
from wherry.store.blobs import WrongDigest, WrongSize
from wherry.store.images import (
    NO_TIME,
    StoredImage,
    add_repo_digest,
    image_of_id,
    insert_image,
    set_tag,
)
from wherry.store.layer_blobs import record_blob
from wherry.store.layers import (
    MOST_LAYERS,
    Layer,
    StagedLayer,
    WrongDiffID,
    adopt_layers,
    claim_layer,
    locked_chains,
    stage_layer,
)
from wherry.store.leases import Lease
from wherry.store.snapshots import TooManyLayers
from wherry.values import dataclass

if TYPE_CHECKING:
    from threading import Event

_AT_ONCE = max(2, min(4, os.cpu_count() or 1))
_BATCH = 32  # layers made visible, and locks held, together

# Called from several threads with the number of a source and how many of its bytes were read.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerSource:
    """A layer's tar, compressed or not. `read` is called at most once, by any thread.

    What `diff_id` and `descriptor` say is verified; a layer with a known diff ID is not read
    if it is here.
    """

    read: Callable[[], Iterable[bytes]]
    diff_id: DiffID | None = None
    descriptor: Descriptor | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewImage:
    """An image whose layers, lowest first, are here. `names` have tags, `digests` digests."""

    document: bytes
    layers: Sequence[Layer]
    names: tuple[Reference, ...] = ()
    digests: tuple[Reference, ...] = ()
    manifest: bytes | None = None
    parent_id: Digest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CommittedImage:
    """An image that is here now. `moved` are the names that another image had until now."""

    image: StoredImage
    moved: tuple[tuple[Reference, Digest], ...] = ()


class LayersDoNotFit(InvalidArgument):
    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"invalid rootfs in image configuration: {expected} layers, not {found}")


class _Abandoned(Exception):
    """Another layer has failed, so this one is not wanted any more."""


def take_in_layers(
    lease: Lease, sources: Sequence[LayerSource], progress: Progress | None = None
) -> list[Layer]:
    """The layers, each on top of the one before, unpacked unless they are here.

    Raises WrongDiffID, WrongDigest, WrongSize, TooManyLayers, LayerNotStored, InvalidArchive,
    DamagedStream, and whatever a source raises.
    """
    if len(sources) >= MOST_LAYERS:
        raise TooManyLayers(len(sources))
    layers: list[Layer] = []
    _take_those_here(lease, sources, layers)
    while len(layers) < len(sources):
        batch = range(len(layers), min(len(layers) + _BATCH, len(sources)))
        with locked_chains(lease, _chains(sources[: batch.stop])[len(layers) :]):
            _take_those_here(lease, sources[: batch.stop], layers)  # others may have made them
            batch = range(len(layers), batch.stop)
            staged = _staged(lease, sources, batch, progress)
            layers += adopt_layers(lease, staged, layers[-1] if layers else None)
            _record_blobs(lease, sources, layers, batch)
    return layers


def commit_images(lease: Lease, images: Sequence[NewImage], *, reason: str) -> list[CommittedImage]:
    """Make the images and all their names exist, in one step. `reason` goes to the tag log.

    The lease must still hold their layers. Raises TagLocked, WrongDiffID, InvalidDocument.
    """
    now = time.time_ns()
    rows = [_row(image, now) for image in images]
    committed = []
    lease.trace("images checked")
    with lease.store.database.write() as connection:
        for new, row in zip(images, rows, strict=True):
            insert_image(connection, row, [layer.chain_id for layer in new.layers])
            moved = []
            for name in new.names:
                previous = set_tag(connection, name, row.id, now, reason)
                if previous is not None:
                    moved.append((name, previous))
            for name in new.digests:
                add_repo_digest(connection, name, row.id)
            stored = image_of_id(connection, row.id)
            committed.append(CommittedImage(image=stored, moved=tuple(moved)))
        lease.trace("images inserted")
    lease.trace("images committed")
    return committed


def _take_those_here(lease: Lease, sources: Sequence[LayerSource], layers: list[Layer]) -> None:
    for source in sources[len(layers) :]:
        if source.diff_id is None:
            return
        below = layers[-1].chain_id if layers else None
        layer = claim_layer(lease, ChainID.above(below, source.diff_id))
        if layer is None:
            return
        layers.append(layer)


def _chains(sources: Iterable[LayerSource]) -> list[ChainID]:
    """The chains as far as they are known beforehand."""
    chains: list[ChainID] = []
    for source in sources:
        if source.diff_id is None:
            break
        chains.append(ChainID.above(chains[-1] if chains else None, source.diff_id))
    return chains


def _record_blobs(
    lease: Lease, sources: Sequence[LayerSource], layers: Sequence[Layer], batch: range
) -> None:
    """Remember by which blobs the layers came. Only those read: what was not is a mere claim."""
    with lease.store.database.write() as connection:
        for number in batch:
            descriptor = sources[number].descriptor
            if descriptor is not None:
                record_blob(connection, layers[number].diff_id, descriptor)


def _staged(
    lease: Lease, sources: Sequence[LayerSource], batch: range, progress: Progress | None
) -> list[StagedLayer]:
    from threading import Event  # it makes every fork dearer in a process that has it

    stop = Event()

    def stage(number: int) -> StagedLayer:
        source = sources[number]
        pieces = _watched(source, number, progress, stop)
        return stage_layer(lease, pieces, diff_id=source.diff_id)

    if progress is not None:
        for number in batch:  # lowest first, whichever is read first
            progress(number, 0)
    if len(batch) < 2:
        return [stage(number) for number in batch]
    from concurrent.futures import ThreadPoolExecutor  # a build has its layers already

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(stage, number) for number in batch]
        try:
            return [future.result() for future in futures]
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            # The one to report is the one that made the others stop.
            for future in futures:
                error = future.exception() if not future.cancelled() else None
                if error is not None and not isinstance(error, _Abandoned):
                    raise error from None
            raise


def _watched(
    source: LayerSource, number: int, progress: Progress | None, stop: "Event"
) -> Iterator[bytes]:
    """The source's bytes, checked against its descriptor as they pass."""
    wanted = source.descriptor
    # The digest of a layer that is not packed is its diff ID, which is verified anyway.
    check = wanted is not None and str(wanted.digest) != str(source.diff_id)
    digest = hashlib.new(wanted.digest.algorithm) if wanted is not None and check else None
    size = 0
    for piece in source.read():
        if stop.is_set():
            raise _Abandoned
        size += len(piece)
        if wanted is not None and size > wanted.size:
            raise WrongSize(size, wanted.size)
        if digest is not None:
            digest.update(piece)
        if progress is not None:
            progress(number, size)
        yield piece
    if wanted is None:
        return
    if size != wanted.size:
        raise WrongSize(size, wanted.size)
    if digest is not None and Digest.of_hash(digest) != wanted.digest:
        raise WrongDigest(Digest.of_hash(digest), wanted.digest)


def _row(new: NewImage, now: int) -> StoredImage:
    config = ImageConfig.from_bytes(new.document)
    diff_ids = config.rootfs.diff_ids
    if len(diff_ids) != len(new.layers):
        raise LayersDoNotFit(len(diff_ids), len(new.layers))
    for layer, diff_id in zip(new.layers, diff_ids, strict=True):
        if layer.diff_id != diff_id:
            raise WrongDiffID(layer.diff_id, diff_id)
    created = NO_TIME if config.created is None else max(parse_timestamp(config.created), NO_TIME)
    return StoredImage(
        id=image_id(new.document),
        document=new.document,
        manifest=new.manifest,
        parent_id=new.parent_id,
        size=sum(layer.size for layer in new.layers),
        created_ns=min(created, -NO_TIME - 1),
        added_ns=now,
    )
