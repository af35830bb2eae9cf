"""The OCI archive: an image layout in a tar.

    oci-layout              {"imageLayoutVersion": "1.0.0"}
    index.json              descriptors of manifests and of further indexes
    blobs/<algorithm>/<hex>

A descriptor of index.json that points to an index is one image for several platforms, of which
one is taken. https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from collections.abc import Iterator

from wherry.images.archive.image import (
    ArchivedImage,
    ArchivedLayer,
    check_digest,
    check_layer_count,
)
from wherry.images.archive.members import Archive, InvalidImageArchive, Member
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.documents import load_document
from wherry.oci.image_config import ImageConfig
from wherry.oci.index import CONTAINERD_NAME, REFERENCE_NAME, Index
from wherry.oci.manifest import Manifest
from wherry.oci.media_type import INDEXES, LAYERS, MANIFESTS, OCI_MANIFEST
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference

INDEX = "index.json"
LAYOUT = "oci-layout"
LAYOUT_DOCUMENT = {"imageLayoutVersion": "1.0.0"}
_DEEPEST = 5  # indexes within indexes; more is an attack
_MOST_MANIFESTS = 1024
_ATTESTATION = "vnd.docker.reference.type"


def oci_images(archive: Archive, platform: Platform | None) -> list[ArchivedImage]:
    """The images of the layout; of each with several platforms, `platform`'s or this machine's."""
    if LAYOUT in archive:
        _check_layout(archive)
    index = Index.from_bytes(archive.document(INDEX, INDEX))
    groups: dict[tuple[str, ...], list[Descriptor]] = {}
    for descriptor in index.manifests:
        # Manifests of one name are one image for several platforms; unnamed ones stand alone.
        key = tuple(map(str, _names(descriptor))) or ("", str(descriptor.digest))
        groups.setdefault(key, []).append(descriptor)
    # An image with several names is listed once for each.
    named: dict[Digest, tuple[Descriptor, list[Reference]]] = {}
    for group in groups.values():
        candidates = [found for each in group for found in _manifests(archive, each, 0)]
        if candidates:
            chosen = _chosen(archive, candidates, platform)
            named.setdefault(chosen.digest, (chosen, []))[1].extend(_names(group[0]))
    return [_image(archive, chosen, tuple(names)) for chosen, names in named.values()]


def oci_image(
    archive: Archive, platform: Platform | None, *, tag: str = "", digest: Digest | None = None
) -> ArchivedImage:
    """The one image of the layout that the digest or the tag means; alone it needs neither."""
    index = Index.from_bytes(archive.document(INDEX, INDEX))
    if digest is not None:
        found = [each for each in index.manifests if each.digest == digest]
        found = found or [_described(archive, digest)]
    elif tag or len(index.manifests) != 1:
        tag = tag or "latest"
        found = [each for each in index.manifests if _has_tag(each, tag)]
        if not found:
            raise InvalidImageArchive(f"{INDEX}: no image has the tag {tag!r}")
    else:
        found = list(index.manifests)
    candidates = [manifest for each in found for manifest in _manifests(archive, each, 0)]
    if not candidates:
        raise InvalidImageArchive(f"{INDEX}: no image among its manifests")
    return _image(archive, _chosen(archive, candidates, platform), ())


def _has_tag(descriptor: Descriptor, tag: str) -> bool:
    return descriptor.annotations.get(REFERENCE_NAME) == tag or any(
        name.tag == tag for name in _names(descriptor)
    )


def _described(archive: Archive, digest: Digest) -> Descriptor:
    """The descriptor of a manifest or index that no index lists."""
    name = blob_name(digest)
    data = archive.document(name, str(digest))
    document = load_document(data, name)
    media_type = document.get("mediaType") if isinstance(document, dict) else None
    if not isinstance(media_type, str):
        media_type = OCI_MANIFEST
    return Descriptor(media_type=media_type, digest=digest, size=len(data))


def blob_name(digest: Digest) -> str:
    """Where the layout keeps a blob."""
    return f"blobs/{digest.algorithm}/{digest.hex}"


def _check_layout(archive: Archive) -> None:
    layout = load_document(archive.document(LAYOUT, LAYOUT), LAYOUT)
    version = layout.get("imageLayoutVersion") if isinstance(layout, dict) else None
    if version != LAYOUT_DOCUMENT["imageLayoutVersion"]:
        raise InvalidImageArchive(f"{LAYOUT}: version {version!r} is not supported, only '1.0.0'")


def _names(descriptor: Descriptor) -> tuple[Reference, ...]:
    text = descriptor.annotations.get(CONTAINERD_NAME, "")
    if not text:
        text = descriptor.annotations.get(REFERENCE_NAME, "")
        if ":" not in text and "/" not in text:
            return ()  # the specification allows a tag alone, which names nothing
    name = Reference.parse(text).with_default_tag()
    return () if name.tag is None else (Reference(name.domain, name.path, name.tag),)


def _manifests(archive: Archive, descriptor: Descriptor, depth: int) -> Iterator[Descriptor]:
    """The manifests below a descriptor that are images."""
    if depth > _DEEPEST:
        raise InvalidImageArchive(f"indexes are nested deeper than {_DEEPEST} levels")
    if _ATTESTATION in descriptor.annotations or descriptor.artifact_type:
        return
    if descriptor.media_type in INDEXES:
        index = Index.from_bytes(_document(archive, descriptor))
        if len(index.manifests) > _MOST_MANIFESTS:
            raise InvalidImageArchive(f"an index has more than {_MOST_MANIFESTS} manifests")
        for each in index.manifests:
            # An index may list platforms whose blobs were left out of the archive.
            if blob_name(each.digest) in archive:
                yield from _manifests(archive, each, depth + 1)
    elif descriptor.media_type in MANIFESTS:
        yield descriptor
    else:
        raise InvalidImageArchive(f"{INDEX}: media type {descriptor.media_type!r} is no image")


def _chosen(archive: Archive, candidates: list[Descriptor], wanted: Platform | None) -> Descriptor:
    if wanted is None and len(candidates) == 1:
        return candidates[0]
    platforms = [each.platform or _platform_of(archive, each) for each in candidates]
    machine = wanted or Platform.host()
    ranks = [(machine.rank(platform), n) for n, platform in enumerate(platforms)]
    fitting = [
        (rank, n)
        for rank, n in ranks
        if rank is not None and (wanted is None or platforms[n].normalised == wanted)
    ]
    if not fitting:
        found = ", ".join(sorted({str(platform) for platform in platforms}))
        raise InvalidImageArchive(f"no image for platform {machine}, only for {found}")
    return candidates[min(fitting)[1]]


def _platform_of(archive: Archive, descriptor: Descriptor) -> Platform:
    manifest = Manifest.from_bytes(_document(archive, descriptor))
    return ImageConfig.from_bytes(_document(archive, manifest.config)).platform


def _image(archive: Archive, descriptor: Descriptor, names: tuple[Reference, ...]) -> ArchivedImage:
    data = _document(archive, descriptor)
    manifest = Manifest.from_bytes(data)
    document = _document(archive, manifest.config)
    config = ImageConfig.from_bytes(document)
    check_layer_count(config, len(manifest.layers))
    return ArchivedImage(
        document=document,
        config=config,
        manifest=data,
        names=names,
        layers=tuple(
            ArchivedLayer(diff_id=diff_id, member=_layer(archive, layer), descriptor=layer)
            for layer, diff_id in zip(manifest.layers, config.rootfs.diff_ids, strict=True)
        ),
    )


def _layer(archive: Archive, descriptor: Descriptor) -> Member:
    if descriptor.media_type not in LAYERS:
        raise InvalidImageArchive(f"layer media type {descriptor.media_type!r} is not supported")
    return _blob(archive, descriptor)


def _blob(archive: Archive, descriptor: Descriptor) -> Member:
    member = archive.member(blob_name(descriptor.digest), INDEX)
    if member.size != descriptor.size:
        raise InvalidImageArchive(
            f"{member.name}: has {member.size} bytes, its descriptor says {descriptor.size}"
        )
    return member


def _document(archive: Archive, descriptor: Descriptor) -> bytes:
    member = _blob(archive, descriptor)
    data = archive.document(member.name, INDEX)
    check_digest(descriptor.digest, data, member.name)
    return data
