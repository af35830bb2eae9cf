"""Fetching the manifests that a list is made of, or that someone wants to see."""

from typing import TYPE_CHECKING

from wherry.engine.manifests.drafts import Entry
from wherry.errors import InvalidArgument, NotFound
from wherry.oci.descriptor import Descriptor
from wherry.oci.image_config import ImageConfig
from wherry.oci.index import Index
from wherry.oci.manifest import Manifest
from wherry.oci.media_type import CONFIGS, MANIFESTS
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.registry.download import read_small_blob
from wherry.registry.errors import ManifestUnknown, RepositoryUnknown
from wherry.registry.repository import ManifestDocument, Repository, open_repositories

if TYPE_CHECKING:
    from wherry.registry.session import Session

_CONFIG_LIMIT = 4 << 20


class NoManifest(NotFound):
    def __init__(self, reference: Reference) -> None:
        super().__init__(f"no such manifest: {reference}")


class IsAList(InvalidArgument):
    def __init__(self, reference: Reference) -> None:
        super().__init__(f"{reference} is a manifest list")


def fetch_document(session: "Session", reference: Reference) -> tuple[Repository, ManifestDocument]:
    """The manifest or list that the name leads to in its registry; NoManifest if to none."""
    repository = next(iter(open_repositories(session, reference)))
    try:
        return repository, repository.manifest(str(reference.digest or reference.tag))
    except (ManifestUnknown, RepositoryUnknown) as error:
        raise NoManifest(reference) from error


def fetch_entry(session: "Session", reference: Reference) -> Entry:
    """The manifest as an entry of a list, with the platform that its configuration states."""
    repository, document = fetch_document(session, reference)
    if document.is_index:
        raise IsAList(reference)
    return _entry(repository, reference, document)


def fetch_entries(session: "Session", reference: Reference) -> tuple[list[Entry], bool]:
    """All manifests of a list with True, or the one of an image with False."""
    repository, document = fetch_document(session, reference)
    if not document.is_index:
        return [_entry(repository, reference, document)], False
    entries = []
    for descriptor in Index.from_bytes(document.data).manifests:
        if descriptor.media_type not in MANIFESTS:
            continue
        found = repository.manifest(str(descriptor.digest))
        name = reference.with_digest(descriptor.digest)
        entries.append(Entry(reference=name, descriptor=descriptor, data=found.data))
    return entries, True


def _entry(repository: Repository, reference: Reference, document: ManifestDocument) -> Entry:
    config = Manifest.from_bytes(document.data).config
    platform = Platform(os="linux", architecture="")
    if config.media_type in CONFIGS:
        data = read_small_blob([repository], config, _CONFIG_LIMIT)
        platform = ImageConfig.from_bytes(data).platform
    descriptor = Descriptor(
        media_type=document.descriptor.media_type,
        digest=document.descriptor.digest,
        size=document.descriptor.size,
        platform=platform,
    )
    return Entry(reference=reference, descriptor=descriptor, data=document.data)
