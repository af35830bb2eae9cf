"""The docker-archive: manifest.json names configurations, layers and tags.

    manifest.json   [{"Config": "<hex>.json", "RepoTags": ["app:1"], "Layers": ["<id>/layer.tar"]}]

Docker 25 and later write an OCI layout and this file beside it, so that Config and Layers are
below blobs/sha256; podman, skopeo and kaniko write the plain form, with layers that may be
packed. https://github.com/moby/docker-image-spec
"""

from typing import ClassVar

from wherry.images.archive.image import (
    ArchivedImage,
    ArchivedLayer,
    check_digest,
    check_layer_count,
)
from wherry.images.archive.members import Archive, InvalidImageArchive, Member
from wherry.oci.codec import InvalidDocument, from_json, pascal_case
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import DiffID, Digest
from wherry.oci.documents import load_document
from wherry.oci.image_config import ImageConfig
from wherry.oci.media_type import OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.store.compression import Compression, detect
from wherry.values import dataclass, field

MANIFEST = "manifest.json"
_BLOBS = "blobs/"
_MEDIA_TYPES = {Compression.GZIP: OCI_LAYER_GZIP, Compression.ZSTD: OCI_LAYER_ZSTD}


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestItem:
    """An entry of manifest.json."""

    JSON_CASE: ClassVar[object] = staticmethod(pascal_case)

    config: str
    layers: tuple[str, ...] = ()
    repo_tags: tuple[str, ...] = ()
    extra: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Items:
    items: tuple[ManifestItem, ...]


def docker_images(archive: Archive, platform: Platform | None) -> list[ArchivedImage]:
    """The images that manifest.json lists, only those for `platform` if one is asked for."""
    data = load_document(archive.document(MANIFEST, MANIFEST), MANIFEST)
    if not isinstance(data, list):
        raise InvalidDocument(MANIFEST, [("", "must be an array")])
    items = _items(data)
    images = [_image(archive, item, f"{MANIFEST}[{n}]") for n, item in enumerate(items)]
    if platform is None:
        return images
    chosen = [image for image in images if str(image.config.platform) == str(platform)]
    if images and not chosen:
        found = ", ".join(sorted({str(image.config.platform) for image in images}))
        raise InvalidImageArchive(f"no image for platform {platform}, only for {found}")
    return chosen


def _items(data: list[object]) -> tuple[ManifestItem, ...]:
    try:
        return from_json(_Items, {"items": data}).items
    except InvalidDocument as error:
        faults = [(path.removeprefix("items"), text) for path, text in error.faults]
        raise InvalidDocument(MANIFEST, faults) from None


def _image(archive: Archive, item: ManifestItem, here: str) -> ArchivedImage:
    document = archive.document(item.config, f"{here}.Config")
    _check_blob_name(item.config, document)
    config = ImageConfig.from_bytes(document)
    check_layer_count(config, len(item.layers))
    layers = tuple(
        _layer(name, diff_id, archive.member(name, f"{here}.Layers[{position}]"))
        for position, (name, diff_id) in enumerate(
            zip(item.layers, config.rootfs.diff_ids, strict=True)
        )
    )
    return ArchivedImage(
        document=document,
        config=config,
        layers=layers,
        names=tuple(_name(text) for text in item.repo_tags),
    )


def _layer(name: str, diff_id: DiffID, member: Member) -> ArchivedLayer:
    digest = _digest_in(name)
    descriptor = None
    if digest is not None:
        media_type = _MEDIA_TYPES.get(detect(member.head()), OCI_LAYER)
        descriptor = Descriptor(media_type=media_type, digest=digest, size=member.size)
    return ArchivedLayer(diff_id=diff_id, member=member, descriptor=descriptor)


def _check_blob_name(name: str, document: bytes) -> None:
    digest = _digest_in(name)
    if digest is not None:
        check_digest(digest, document, name)


def _digest_in(name: str) -> Digest | None:
    """A member below blobs/ is named by its digest."""
    if not name.startswith(_BLOBS):
        return None
    algorithm, _, hexadecimal = name.removeprefix(_BLOBS).partition("/")
    return Digest(f"{algorithm}:{hexadecimal}")


def _name(text: str) -> Reference:
    name = Reference.parse(text)
    if name.digest is not None or name.tag is None:
        raise InvalidImageArchive(f"invalid tag {text!r}")
    return name
