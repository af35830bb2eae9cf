"""Pushing an image of several platforms: each manifest by its digest, then the index by its tag."""

from collections.abc import Callable

from wherry.engine.images.progress import Progress, Reporter
from wherry.engine.images.push import LayerSender, manifest_document, upload_bytes
from wherry.engine.images.sessions import registry_session
from wherry.images.archive.platforms import SavedIndex, index_document
from wherry.images.archive.write import SavedImage, descriptor_of
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.manifest import oci_manifest
from wherry.oci.media_type import OCI_CONFIG, OCI_INDEX, OCI_TYPES
from wherry.oci.reference import Reference
from wherry.registry.credentials import Credential
from wherry.registry.download import has_blob
from wherry.registry.repository import ManifestDocument, Repository, open_repositories
from wherry.store.layer_blobs import record_blob
from wherry.store.leases import Lease
from wherry.values import replace


def push_index(
    lease: Lease,
    name: Reference,
    saved: SavedIndex,
    credential: Credential | None,
    say: Callable[[str], None],
) -> Digest:
    """Push the images and their index; the index's digest there."""
    told: set[str] = set()

    def tell(progress: Progress) -> None:
        line = f"{progress.id}: {progress.status}" if progress.id else progress.status
        if line not in told:
            told.add(line)
            say(line)

    with registry_session(credential=credential) as session:
        repository = next(iter(open_repositories(session, name, "pull,push")))
        sender = LayerSender(lease, repository, (), Reporter(tell))
        manifests = [(_push(lease, repository, sender, image), image) for image in saved.images]
        index = index_document(
            [
                (
                    replace(descriptor, annotations=dict(image.descriptor_annotations)),
                    image.document,
                )
                for descriptor, image in manifests
            ],
            saved.annotations,
        )
        document = ManifestDocument(descriptor=descriptor_of(OCI_INDEX, index), data=index)
        repository.put_manifest(name.tag or "latest", document)
    digest = document.descriptor.digest
    say(f"{name.tag or 'latest'}: digest: {digest} size: {len(index)}")
    return digest


def _push(
    lease: Lease, repository: Repository, sender: LayerSender, image: SavedImage
) -> Descriptor:
    """Push one image; what leads to its manifest."""
    sent = sender.send_layers(image.layers, None)
    config = descriptor_of(OCI_CONFIG, image.document)
    if has_blob(repository, config.digest) is None:
        upload_bytes(repository, config.digest, image.document)
    layers = tuple(
        replace(layer, media_type=OCI_TYPES.get(layer.media_type, layer.media_type))
        for layer in sent
    )
    manifest = oci_manifest(config, layers, image.annotations)
    document = manifest_document(manifest, manifest.to_bytes())
    repository.put_manifest(str(document.descriptor.digest), document)
    with lease.store.database.write() as connection:
        for layer, descriptor in zip(image.layers, sent, strict=True):
            record_blob(connection, layer.diff_id, descriptor)
    return document.descriptor
