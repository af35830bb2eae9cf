"""Taking in the images of an archive."""

from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from wherry.images.archive.members import read_archive
from wherry.images.archive.read import images_in
from wherry.images.ingest import LayerSource, NewImage, commit_images, take_in_layers
from wherry.oci.digest import DiffID, Digest
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.store.images import StoredImage
from wherry.store.leases import lease_of
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.images.archive.image import ArchivedImage
    from wherry.store.layers import Layer
    from wherry.store.leases import Lease

# Called from several threads with a layer, how many of its bytes were read, and how many it has.
LoadProgress = Callable[[DiffID, int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedImage:
    """`names` are those that the archive gives it, `moved` those that another image had."""

    image: StoredImage
    names: tuple[Reference, ...]
    moved: tuple[tuple[Reference, Digest], ...]


def load_images(
    engine: "Engine",
    source: BinaryIO,
    *,
    platform: Platform | None = None,
    progress: LoadProgress | None = None,
) -> list[LoadedImage]:
    """Take in every image of the archive `source`, an unbuffered file, pipe or socket.

    All of them with their names appear at once, or none. Raises InvalidImageArchive,
    InvalidArchive, InvalidDocument, TagLocked and what `ingest.take_in_layers` raises.
    """
    with lease_of(engine.store) as lease, read_archive(lease, source) as archive:
        found = images_in(archive, platform)
        new = [
            NewImage(
                document=image.document,
                layers=_layers(lease, image, progress),
                names=image.names,
                manifest=image.manifest,
            )
            for image in found
        ]
        committed = commit_images(lease, new, reason="load")
    for each in committed:
        identity, labels = str(each.image.id), each.image.config.config.labels
        engine.events.publish_image("load", identity, identity, labels)
    return [
        LoadedImage(image=each.image, names=image.names, moved=each.moved)
        for each, image in zip(committed, found, strict=True)
    ]


def _layers(lease: "Lease", image: "ArchivedImage", progress: LoadProgress | None) -> "list[Layer]":
    sources = [
        LayerSource(read=layer.member.pieces, diff_id=layer.diff_id, descriptor=layer.descriptor)
        for layer in image.layers
    ]

    def tell(number: int, count: int) -> None:
        if progress is not None:
            layer = image.layers[number]
            progress(layer.diff_id, count, layer.member.size)

    return take_in_layers(lease, sources, tell if progress is not None else None)
