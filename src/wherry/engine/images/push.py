"""Pushing an image: what the registry lacks of its layers, its configuration, its manifest.

An image that was pulled is pushed with the manifest it came with, so its digest stays the same
wherever it goes. A layer goes by the first of these ways that works, tried for each blob that is
known to hold it: the registry has it; it is in the store; the registry takes it from another
repository of its own; it is packed anew, always to the same bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from wherry.engine.images.all_tags import check_all_tags
from wherry.engine.images.progress import Report, Reporter, quietly
from wherry.engine.images.resolve import check_platform
from wherry.engine.images.sessions import registry_session
from wherry.errors import InvalidArgument, NotFound, WherryError
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.manifest import Manifest
from wherry.oci.media_type import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    OCI_TYPES,
)
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.registry.credentials import Credential
from wherry.registry.download import has_blob
from wherry.registry.patience import Cancelled
from wherry.registry.repository import ManifestDocument, Repository, open_repositories
from wherry.registry.transport import Transport
from wherry.registry.upload import mount_blob, upload_blob
from wherry.store.blobs import claim_blob, ingest_blob, open_blob
from wherry.store.compression import Compression, compressed
from wherry.store.images import (
    StoredImage,
    add_repo_digest,
    image_named,
    layers_of,
    names_of,
    tags_in_repository,
)
from wherry.store.layer_blobs import blobs_of, record_blob
from wherry.store.layer_tar import tar_of_layer
from wherry.store.layers import Layer, claim_layer, get_layer
from wherry.store.leases import Lease, lease_of
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_AT_ONCE = 5
_DOCKER_TYPES = {
    OCI_LAYER: DOCKER_LAYER,
    OCI_LAYER_GZIP: DOCKER_LAYER_GZIP,
    DOCKER_LAYER: DOCKER_LAYER,
    DOCKER_LAYER_GZIP: DOCKER_LAYER_GZIP,
}
_MOST_SOURCES = 3  # repositories that are asked for a layer


class NothingToPush(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"An image does not exist locally with the tag: {name}")


class NoSuchTag(NotFound):
    def __init__(self, reference: Reference) -> None:
        super().__init__(f"tag does not exist: {reference}")


class PushByDigest(InvalidArgument):
    def __init__(self) -> None:
        super().__init__("cannot push a digest reference")


@dataclass(frozen=True, kw_only=True, slots=True)
class PushedImage:
    """`size` is the manifest's, as Docker prints it."""

    reference: Reference
    digest: Digest
    size: int


def push_image(
    engine: "Engine",
    name: str,
    *,
    platform: Platform | None = None,
    all_tags: bool = False,
    report: Report = quietly,
    credential: Credential | None = None,
    transport: Transport | None = None,
    annotations: Mapping[str, str] | None = None,
) -> list[PushedImage]:
    """Push the image called `name`, or all tags of the repository.

    `annotations` are what the manifests say besides, which are the OCI's then.

    Raises NothingToPush, NoSuchTag, and what `wherry.registry` raises.
    """
    reference = Reference.parse(name)
    if reference.digest is not None:
        raise PushByDigest
    check_all_tags(reference, all_tags=all_tags)
    tell = Reporter(report)
    tell(f"The push refers to repository [{reference.name}]")
    chosen = _chosen(engine, reference, all_tags=all_tags)
    for tag, image in chosen:
        check_platform(image, str(tag), platform)
    with registry_session(transport, credential=credential) as session:
        mounts = _mount_sources(engine, reference, chosen)
        repositories = open_repositories(session, reference, "pull,push", mounts)
        repository = next(iter(repositories))
        return [
            _push(engine, repository, tag, image, mounts, tell, annotations or {})
            for tag, image in chosen
        ]


def _chosen(
    engine: "Engine", reference: Reference, *, all_tags: bool
) -> list[tuple[Reference, StoredImage]]:
    connection = engine.store.database.connection
    known = tags_in_repository(connection, reference)
    if not known:
        raise NothingToPush(reference.familiar_name)
    wanted = known if all_tags else [reference.with_default_tag()]
    chosen = []
    for tag in wanted:
        image = image_named(connection, tag)
        if image is None:
            raise NoSuchTag(tag)
        chosen.append((tag, image))
    return chosen


def _mount_sources(
    engine: "Engine", target: Reference, chosen: Sequence[tuple[Reference, StoredImage]]
) -> tuple[str, ...]:
    """Other repositories of the same registry that have had these images."""
    paths: list[str] = []
    for _, image in chosen:
        for name in names_of(engine.store.database.connection, image.id):
            is_other = name.digest is not None and name.path != target.path
            if is_other and name.domain == target.domain and name.path not in paths:
                paths.append(name.path)
    return tuple(paths[:_MOST_SOURCES])


def _push(
    engine: "Engine",
    repository: Repository,
    tag: Reference,
    image: StoredImage,
    mounts: tuple[str, ...],
    tell: Reporter,
    annotations: Mapping[str, str],
) -> PushedImage:
    store = engine.store
    with lease_of(store) as lease:
        chain = layers_of(store.database.connection, image.id)
        for chain_id in chain[-1:]:
            claim_layer(lease, chain_id)  # and with it all those below
        layers = [get_layer(store, chain_id) for chain_id in chain]
        original = Manifest.from_bytes(image.manifest) if image.manifest is not None else None
        sender = LayerSender(lease, repository, mounts, tell)
        descriptors = sender.send_layers(layers, original)
        document = _manifest_of(image, original, descriptors, annotations)
        manifest = Manifest.from_bytes(document.data)
        if has_blob(repository, manifest.config.digest) is None:
            upload_bytes(repository, manifest.config.digest, image.document)
        assert tag.tag is not None
        repository.put_manifest(tag.tag, document)
        with store.database.write() as connection:
            add_repo_digest(connection, tag.with_digest(document.descriptor.digest), image.id)
            for layer, descriptor in zip(layers, descriptors, strict=True):
                record_blob(connection, layer.diff_id, descriptor)
    digest, size = document.descriptor.digest, document.descriptor.size
    tell(f"{tag.tag}: digest: {digest} size: {size}")
    labels = image.config.config.labels
    engine.events.publish_image("push", str(tag), tag.familiar_name, labels)
    return PushedImage(reference=tag, digest=digest, size=size)


def _manifest_of(
    image: StoredImage,
    original: Manifest | None,
    layers: Sequence[Descriptor],
    annotations: Mapping[str, str],
) -> ManifestDocument:
    """The manifest that the image came with, unless a layer goes in another form."""
    if original is not None and image.manifest is not None and not annotations:
        there = [layer.digest for layer in original.layers]
        if there == [layer.digest for layer in layers]:
            return manifest_document(original, image.manifest)
    # Docker's own types, which every client reads, unless a layer has none among them.
    is_docker = all(layer.media_type in _DOCKER_TYPES for layer in layers) and not annotations
    types = _DOCKER_TYPES if is_docker else OCI_TYPES
    config = Descriptor(
        media_type=DOCKER_CONFIG if is_docker else OCI_CONFIG,
        digest=image.id,
        size=len(image.document),
    )
    plain = tuple(
        Descriptor(
            media_type=types.get(layer.media_type, layer.media_type),
            digest=layer.digest,
            size=layer.size,
        )
        for layer in layers
    )
    media_type = DOCKER_MANIFEST if is_docker else OCI_MANIFEST
    manifest = Manifest(
        schema_version=2,
        media_type=media_type,
        config=config,
        layers=plain,
        annotations=dict(annotations),
    )
    return manifest_document(manifest, manifest.to_bytes())


def manifest_document(manifest: Manifest, data: bytes) -> ManifestDocument:
    """The manifest as a registry is to have it; `data` are its bytes."""
    descriptor = Descriptor(
        # The OCI's manifests need not state it.
        media_type=manifest.media_type or OCI_MANIFEST,
        digest=Digest.of_bytes(data),
        size=len(data),
    )
    return ManifestDocument(descriptor=descriptor, data=data)


class LayerSender:
    """The layers of one image on their way to one repository."""

    def __init__(
        self, lease: Lease, repository: Repository, mounts: tuple[str, ...], tell: Reporter
    ) -> None:
        self._lease = lease
        self._repository = repository
        self._mounts = mounts
        self._tell = tell

    def send_layers(self, layers: Sequence[Layer], original: Manifest | None) -> list[Descriptor]:
        """Bring every layer there; as which blobs they are there, lowest first."""
        connection = self._lease.store.database.connection
        known: list[list[Descriptor]] = []
        for position, layer in enumerate(layers):
            first = [original.layers[position]] if original is not None else []
            others = blobs_of(connection, layer.diff_id)
            known.append(first + [each for each in others if each.digest != _digest_of(first)])
        for layer in reversed(layers):  # as Docker lists them
            self._tell("Preparing", layer.diff_id.short)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            futures = [
                pool.submit(self._send, layer, candidates)
                for layer, candidates in zip(layers, known, strict=True)
            ]
            try:
                return [future.result() for future in futures]
            except BaseException:
                self._repository.session.transport.cancellation.cancel()
                pool.shutdown(cancel_futures=True)
                _raise_first(futures)
                raise

    def _send(self, layer: Layer, candidates: Sequence[Descriptor]) -> Descriptor:
        name = layer.diff_id.short
        for candidate in candidates:
            if has_blob(self._repository, candidate.digest) is not None:
                self._tell("Layer already exists", name)
                return candidate
        for candidate in candidates:
            if claim_blob(self._lease, candidate.digest):
                return self._upload(layer, candidate)
        for candidate in candidates:
            if self._mount(layer, candidate):
                return candidate
        packed = self._pack(layer)
        if has_blob(self._repository, packed.digest) is not None:
            self._tell("Layer already exists", name)
            return packed
        return self._upload(layer, packed)

    def _pack(self, layer: Layer) -> Descriptor:
        pieces = compressed(tar_of_layer(self._lease.store, layer), Compression.GZIP)
        blob = ingest_blob(self._lease, pieces)
        return Descriptor(media_type=DOCKER_LAYER_GZIP, digest=blob.digest, size=blob.size)

    def _upload(self, layer: Layer, descriptor: Descriptor) -> Descriptor:
        name = layer.diff_id.short
        if self._mount(layer, descriptor):
            return descriptor
        with open_blob(self._lease.store, descriptor.digest) as file:
            upload_blob(
                self._repository,
                descriptor.digest,
                file,
                progress=self._tell.steps("Pushing", name, descriptor.size),
            )
        self._tell("Pushed", name)
        return descriptor

    def _mount(self, layer: Layer, descriptor: Descriptor) -> bool:
        """Let the registry copy within itself, if one of its other repositories has the blob."""
        for source in self._mounts:
            if mount_blob(self._repository, descriptor.digest, source) is None:
                self._tell(f"Mounted from {source}", layer.diff_id.short)
                return True
        return False


def _digest_of(descriptors: Sequence[Descriptor]) -> Digest | None:
    return descriptors[0].digest if descriptors else None


def _raise_first(futures: Sequence["Future[Descriptor]"]) -> None:
    """Raise the failure that made the others stop."""
    for error in _failures(futures):
        if not isinstance(error, Cancelled):
            raise error from None


def _failures(futures: Sequence["Future[Descriptor]"]) -> Iterator[WherryError]:
    for future in futures:
        if not future.cancelled() and isinstance(error := future.exception(), WherryError):
            yield error


def upload_bytes(repository: Repository, digest: Digest, data: bytes) -> None:
    """Send a small blob."""
    with TemporaryFile() as file:
        file.write(data)
        file.flush()
        upload_blob(repository, digest, file)
