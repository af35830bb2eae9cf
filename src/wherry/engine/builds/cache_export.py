"""`--cache-to`: the steps of a build with their layers, for other machines."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from wherry.build.builder import Built
from wherry.build.inputs import StepInputs
from wherry.build.order import Workshop
from wherry.build.progress import vertex
from wherry.build.shared_cache import (
    INLINE,
    MEDIA_TYPE,
    SharedStep,
    document_bytes,
    document_of,
    shared_step,
)
from wherry.engine.builds.bases import credential_for
from wherry.engine.builds.cache_options import CachePlace, CacheTarget, cache_targets
from wherry.errors import WherryError
from wherry.images.archive.oci import INDEX, LAYOUT, LAYOUT_DOCUMENT, blob_name
from wherry.linux.files import write_all, write_atomically
from wherry.linux.openat import opened
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.documents import dump_document
from wherry.oci.image_config import ImageConfig
from wherry.oci.index import REFERENCE_NAME, Index, oci_index
from wherry.oci.manifest import Manifest, oci_manifest
from wherry.oci.media_type import OCI_LAYER_GZIP, OCI_MANIFEST, OCI_TYPES
from wherry.oci.reference import Reference
from wherry.registry.credentials import Credential
from wherry.store.build_cache import CacheRecord, find_record, inputs_of
from wherry.store.compression import Compression, compressed
from wherry.store.layer_blobs import blobs_of, record_blob
from wherry.store.layer_tar import tar_of_layer
from wherry.store.layers import Layer, get_layer
from wherry.store.leases import Lease
from wherry.store.store import Store
from wherry.values import dataclass, replace

_BLOBS = "blobs/sha256"


@dataclass(frozen=True, slots=True)
class _Steps:
    """Steps with the layers that they have made, each layer once."""

    steps: tuple[SharedStep, ...]
    layers: tuple[Layer, ...]


class CacheExporter:
    """What --cache-to names. InvalidArgument and Unsupported for what it cannot mean."""

    def __init__(
        self, texts: Iterable[str], credentials: Mapping[str, Credential] | None = None
    ) -> None:
        self.targets = cache_targets(texts)
        self._credentials = credentials

    def with_inline(self, store: Store, built: Built) -> Built:
        """The build with the steps of the image in its configuration, if that is asked for."""
        if not any(target.place is CachePlace.INLINE for target in self.targets):
            return built
        config = ImageConfig.from_bytes(built.document)
        places = {diff_id: number for number, diff_id in enumerate(config.rootfs.diff_ids)}
        steps = [
            # Without the hashes of files: they would be in every copy of the image.
            shared_step(record, replace(inputs, files={}), places[record.diff_id])
            for record, inputs in _records(store, built)
            if record.diff_id in places
        ]
        config = replace(config, extra={**config.extra, INLINE: document_of(steps)})
        return replace(built, document=config.to_bytes())

    def export(self, workshop: Workshop, built: Built) -> None:
        """Write the others; with ignore-error a failure is only told."""
        for target in self.targets:
            if target.place is CachePlace.INLINE:
                continue
            try:
                _export(workshop, built, target, self._credentials)
            except (WherryError, OSError):
                if not target.may_fail:
                    raise


def _export(
    workshop: Workshop,
    built: Built,
    target: CacheTarget,
    credentials: Mapping[str, Credential] | None,
) -> None:
    store = workshop.store
    where = "registry" if target.place is CachePlace.REGISTRY else "client directory"
    with vertex(workshop.report, f"exporting cache to {where}") as say:
        steps = _chosen(store, built, everything=target.everything)
        if target.reference is not None:
            credential = credential_for(target.reference, credentials)
            _to_registry(workshop.lease, target.reference, steps, credential)
        else:
            _to_folder(store, Path(target.folder), target.tag, steps)
        say(f"{len(steps.steps)} steps, {len(steps.layers)} layers done")


def _records(store: Store, built: Built) -> Iterator[tuple[CacheRecord, StepInputs]]:
    """What the build has used of the cache, each once."""
    connection = store.database.connection
    for key in dict.fromkeys(use.key for use in built.result.uses):
        record, inputs = find_record(connection, key), inputs_of(connection, key)
        if record is not None and inputs is not None:
            yield record, StepInputs.from_document(inputs)


def _chosen(store: Store, built: Built, *, everything: bool) -> _Steps:
    of_image = {layer.diff_id for layer in built.result.layers}
    layers: dict[str, Layer] = {}
    steps = []
    for record, inputs in _records(store, built):
        if everything or record.diff_id in of_image:
            layers.setdefault(str(record.diff_id), get_layer(store, record.chain_id))
            number = list(layers).index(str(record.diff_id))
            steps.append(shared_step(record, inputs, number))
    return _Steps(tuple(steps), tuple(layers.values()))


def _documents(steps: _Steps, layers: Iterable[Descriptor]) -> tuple[bytes, Manifest]:
    config = document_bytes(document_of(steps.steps))
    described = Descriptor(media_type=MEDIA_TYPE, digest=Digest.of_bytes(config), size=len(config))
    plain = tuple(
        replace(layer, media_type=OCI_TYPES.get(layer.media_type, layer.media_type))
        for layer in layers
    )
    return config, oci_manifest(described, plain)


def _to_registry(
    lease: Lease, reference: Reference, steps: _Steps, credential: Credential | None
) -> None:
    # HTTP and TLS, for those who export to a registry.
    from wherry.engine.images.progress import Reporter, quietly
    from wherry.engine.images.push import LayerSender, manifest_document, upload_bytes
    from wherry.engine.images.sessions import registry_session
    from wherry.registry.download import has_blob
    from wherry.registry.repository import open_repositories

    with registry_session(credential=credential) as session:
        repository = next(iter(open_repositories(session, reference, "pull,push")))
        sender = LayerSender(lease, repository, (), Reporter(quietly))
        config, manifest = _documents(steps, sender.send_layers(steps.layers, None))
        if has_blob(repository, manifest.config.digest) is None:
            upload_bytes(repository, manifest.config.digest, config)
        repository.put_manifest(
            reference.tag or "latest", manifest_document(manifest, manifest.to_bytes())
        )


def _to_folder(store: Store, folder: Path, tag: str, steps: _Steps) -> None:
    """An image layout, or one tag more in the one that is there."""
    (folder / _BLOBS).mkdir(parents=True, exist_ok=True)
    config, manifest = _documents(steps, [_blob(store, folder, layer) for layer in steps.layers])
    data = manifest.to_bytes()
    for document in (config, data):
        path = folder / blob_name(Digest.of_bytes(document))
        if not path.exists():
            write_atomically(path, document)
    descriptor = Descriptor(
        media_type=OCI_MANIFEST,
        digest=Digest.of_bytes(data),
        size=len(data),
        annotations={REFERENCE_NAME: tag},
    )
    write_atomically(folder / LAYOUT, dump_document(LAYOUT_DOCUMENT))
    others = [each for each in _listed(folder) if each.annotations.get(REFERENCE_NAME) != tag]
    write_atomically(folder / INDEX, oci_index((*others, descriptor)).to_bytes())


def _listed(folder: Path) -> Sequence[Descriptor]:
    try:
        return Index.from_bytes((folder / INDEX).read_bytes()).manifests
    except FileNotFoundError:
        return ()


def _blob(store: Store, folder: Path, layer: Layer) -> Descriptor:
    """The layer's blob, packed unless the folder has it."""
    for known in blobs_of(store.database.connection, layer.diff_id):
        path = folder / blob_name(known.digest)
        if path.exists() and path.stat().st_size == known.size:
            return known
    temporary = folder / _BLOBS / f".{layer.diff_id.hex}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    digest, size = sha256(), 0
    try:
        with opened(os.open(temporary, flags, 0o644)) as file:
            for piece in compressed(tar_of_layer(store, layer), Compression.GZIP):
                digest.update(piece)
                size += len(piece)
                write_all(file, piece)
        found = Digest.of_hash(digest)
        temporary.rename(folder / blob_name(found))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    descriptor = Descriptor(media_type=OCI_LAYER_GZIP, digest=found, size=size)
    with store.database.write() as connection:
        record_blob(connection, layer.diff_id, descriptor)
    return descriptor
