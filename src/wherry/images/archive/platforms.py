"""Writing an image of several platforms as an OCI layout: names lead to an index of manifests."""

from collections.abc import Iterator, Mapping, Sequence

from wherry.images.archive.oci import INDEX, LAYOUT, LAYOUT_DOCUMENT
from wherry.images.archive.write import SavedImage, blob_pieces, descriptor_of, file_piece
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.documents import dump_document
from wherry.oci.image_config import ImageConfig
from wherry.oci.index import CONTAINERD_NAME, REFERENCE_NAME, oci_index
from wherry.oci.media_type import OCI_INDEX, OCI_MANIFEST
from wherry.oci.reference import Reference
from wherry.store.layers import Layer
from wherry.store.store import Store
from wherry.store.tar.writer import END
from wherry.values import dataclass, field, replace


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedIndex:
    """Images, one of a platform, to be written under common names."""

    images: Sequence[SavedImage]
    names: tuple[Reference, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    descriptor_annotations: Mapping[str, str] = field(default_factory=dict)
    """Those of the entry in the layout's index that leads to this one."""

    @property
    def document(self) -> bytes:
        """The index of the images' manifests."""
        return index_document(
            [(_entry(image), image.document) for image in self.images], self.annotations
        )


def index_document(
    images: Sequence[tuple[Descriptor, bytes]], annotations: Mapping[str, str]
) -> bytes:
    """An index of manifests: what leads to each, and the configuration that it is of."""
    manifests = tuple(
        replace(descriptor, platform=ImageConfig.from_bytes(document).platform)
        for descriptor, document in images
    )
    return replace(oci_index(manifests), annotations=dict(annotations)).to_bytes()


def archive_of_index(store: Store, saved: SavedIndex) -> Iterator[bytes]:
    """The pieces of the archive."""
    index = saved.document
    blobs: dict[str, bytes | Layer] = {Digest.of_bytes(index).hex: index}
    for image in saved.images:
        for document in (image.document, image.manifest):
            blobs[Digest.of_bytes(document).hex] = document
        blobs |= {layer.diff_id.hex: layer for layer in image.layers}
    yield from blob_pieces(store, blobs)
    yield file_piece(INDEX, _layout_index(saved, index))
    yield file_piece(LAYOUT, dump_document(LAYOUT_DOCUMENT))
    yield END


def _entry(image: SavedImage) -> Descriptor:
    return descriptor_of(OCI_MANIFEST, image.manifest, image.descriptor_annotations)


def _layout_index(saved: SavedIndex, index: bytes) -> bytes:
    descriptors = []
    for name in saved.names or (None,):
        annotations = dict(saved.descriptor_annotations)
        if name is not None and name.tag is not None:
            annotations |= {CONTAINERD_NAME: name.full, REFERENCE_NAME: name.tag}
        descriptors.append(descriptor_of(OCI_INDEX, index, annotations))
    return oci_index(tuple(descriptors)).to_bytes()
