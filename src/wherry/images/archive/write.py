"""Writing images as an archive that Docker, podman, skopeo and containerd load.

    blobs/sha256/<hex>   layers, uncompressed and so named by diff ID; configurations; manifests
    index.json           a descriptor for each name
    oci-layout
    manifest.json        the docker-archive's list, whose paths are those of the blobs
    repositories         the oldest form's list

All but the last two are an OCI layout, and without them it is one only: what Docker has written
since version 25. The same images give the same bytes: no times, one order.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from wherry.images.archive.docker import MANIFEST
from wherry.images.archive.oci import INDEX, LAYOUT, LAYOUT_DOCUMENT, blob_name
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.documents import dump_document
from wherry.oci.image_config import ImageConfig
from wherry.oci.index import CONTAINERD_NAME, REFERENCE_NAME, oci_index
from wherry.oci.manifest import oci_manifest
from wherry.oci.media_type import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST
from wherry.oci.reference import Reference
from wherry.store.layer_tar import tar_of_layer
from wherry.store.layers import Layer
from wherry.store.store import Store
from wherry.store.tar.entry import Kind, TarEntry
from wherry.store.tar.writer import END, format_header, padding
from wherry.values import dataclass, field

REPOSITORIES = "repositories"


class ArchiveForm(Enum):
    """What `save --format` names."""

    DOCKER = "docker"
    OCI = "oci"


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedImage:
    """An image to be written under `names`; its layers lowest first."""

    document: bytes
    layers: Sequence[Layer]
    names: tuple[Reference, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Those of its manifest."""
    descriptor_annotations: Mapping[str, str] = field(default_factory=dict)
    """Those of the entry in the index that leads to it."""

    @property
    def manifest(self) -> bytes:
        """The manifest of its blobs as they are in the archive."""
        config = descriptor_of(OCI_CONFIG, self.document)
        layers = tuple(
            Descriptor(media_type=OCI_LAYER, digest=_digest_of(layer), size=layer.tar_size)
            for layer in self.layers
        )
        return oci_manifest(config, layers, self.annotations).to_bytes()


def archive_of(
    store: Store, images: Sequence[SavedImage], form: ArchiveForm = ArchiveForm.DOCKER
) -> Iterator[bytes]:
    """The pieces of the archive."""
    blobs: dict[str, bytes | Layer] = {}
    for image in images:
        for document in (image.document, image.manifest):
            blobs[Digest.of_bytes(document).hex] = document
        for layer in image.layers:
            blobs[layer.diff_id.hex] = layer
    yield from blob_pieces(store, blobs)
    yield file_piece(INDEX, _index(images))
    if form is ArchiveForm.DOCKER:
        yield file_piece(MANIFEST, dump_document([_manifest_item(image) for image in images]))
    yield file_piece(LAYOUT, dump_document(LAYOUT_DOCUMENT))
    if form is ArchiveForm.DOCKER and (repositories := _repositories(images)):
        yield file_piece(REPOSITORIES, dump_document(repositories))
    yield END


def blob_pieces(store: Store, blobs: Mapping[str, bytes | Layer]) -> Iterator[bytes]:
    """The blobs of an archive, by the hexadecimal part of their digests."""
    yield _folder("blobs/") + _folder("blobs/sha256/")
    for name in sorted(blobs):
        content = blobs[name]
        if isinstance(content, bytes):
            yield file_piece(f"blobs/sha256/{name}", content)
        else:
            yield _header(f"blobs/sha256/{name}", content.tar_size)
            yield from tar_of_layer(store, content)
            yield padding(content.tar_size)


def _index(images: Sequence[SavedImage]) -> bytes:
    descriptors = []
    for image in images:
        for name in image.names or (None,):
            annotations = dict(image.descriptor_annotations)
            if name is not None and name.tag is not None:
                annotations |= {CONTAINERD_NAME: name.full, REFERENCE_NAME: name.tag}
            descriptors.append(descriptor_of(OCI_MANIFEST, image.manifest, annotations))
    return oci_index(tuple(descriptors)).to_bytes()


def _manifest_item(image: SavedImage) -> dict[str, object]:
    config = ImageConfig.from_bytes(image.document)
    return {
        "Config": blob_name(Digest.of_bytes(image.document)),
        "RepoTags": [str(name) for name in image.names] or None,
        "Layers": [f"blobs/sha256/{diff_id.hex}" for diff_id in config.rootfs.diff_ids],
        "LayerSources": {
            str(layer.diff_id): {
                "mediaType": OCI_LAYER,
                "size": layer.tar_size,
                "digest": str(layer.diff_id),
            }
            for layer in image.layers
        },
    }


def _repositories(images: Sequence[SavedImage]) -> dict[str, dict[str, str]]:
    repositories: dict[str, dict[str, str]] = {}
    for image in images:
        if image.layers:
            for name in image.names:
                tags = repositories.setdefault(name.familiar_name, {})
                tags[name.tag or ""] = image.layers[-1].diff_id.hex
    return repositories


def descriptor_of(
    media_type: str, data: bytes, annotations: Mapping[str, str] | None = None
) -> Descriptor:
    """What leads to a document."""
    return Descriptor(
        media_type=media_type,
        digest=Digest.of_bytes(data),
        size=len(data),
        annotations=dict(annotations or {}),
    )


def _digest_of(layer: Layer) -> Digest:
    """The digest of the layer's tar as a blob."""
    return Digest(str(layer.diff_id))


def file_piece(name: str, data: bytes) -> bytes:
    """A file of an archive."""
    return _header(name, len(data)) + data + padding(len(data))


def _header(name: str, size: int) -> bytes:
    return format_header(TarEntry(name.encode(), Kind.FILE, 0o644, size=size, stored=size))


def _folder(name: str) -> bytes:
    return format_header(TarEntry(name.encode(), Kind.DIRECTORY, 0o755))
