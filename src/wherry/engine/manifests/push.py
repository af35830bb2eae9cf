"""Pushing a manifest list: its manifests, the blobs they need, then the list itself."""

from collections.abc import Callable

from wherry.engine.images.sessions import registry_session
from wherry.engine.manifests.drafts import (
    Entry,
    NoSuchManifest,
    entries_of,
    list_document,
    remove_draft,
)
from wherry.errors import InvalidArgument, NotFound
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.manifest import Manifest
from wherry.oci.reference import Reference
from wherry.registry.download import has_blob
from wherry.registry.repository import ManifestDocument, Repository, open_repositories
from wherry.registry.upload import mount_blob


class OtherRegistry(InvalidArgument):
    def __init__(self, source: str, target: str) -> None:
        super().__init__(
            "cannot use source images from a different registry than the target image:"
            f" {source} != {target}"
        )


class BlobNotThere(NotFound):
    def __init__(self, digest: Digest, entry: Entry) -> None:
        super().__init__(f"blob {digest} of {entry.reference} could not be mounted")


def push_manifest_list(
    name: str,
    *,
    purge: bool = False,
    insecure: bool = False,
    tell: Callable[[str], None] = lambda _line: None,
) -> Digest:
    """Push the draft and what it needs; the list's digest. NoSuchManifest, OtherRegistry."""
    wanted = Reference.parse(name).with_default_tag()
    entries = entries_of(wanted)
    if not entries:
        raise NoSuchManifest(str(wanted))
    for entry in entries:
        if entry.reference.domain != wanted.domain:
            raise OtherRegistry(entry.reference.domain, wanted.domain)
    sources = tuple(sorted({entry.reference.path for entry in entries}))
    with registry_session(insecure={wanted.domain} if insecure else set()) as session:
        (repository,) = open_repositories(session, wanted, "pull,push", sources)
        for entry in entries:
            _push_entry(repository, entry)
            digest = entry.descriptor.digest
            tell(f"Pushed ref {wanted.with_digest(digest)} with digest: {digest}")
        media_type, data = list_document(entries)
        descriptor = Descriptor(media_type=media_type, digest=Digest.of_bytes(data), size=len(data))
        assert wanted.tag is not None
        repository.put_manifest(wanted.tag, ManifestDocument(descriptor=descriptor, data=data))
    if purge:
        remove_draft(wanted)
    return descriptor.digest


def _push_entry(repository: Repository, entry: Entry) -> None:
    manifest = Manifest.from_bytes(entry.data)
    if entry.reference.path != repository.reference.path:
        for blob in (manifest.config, *manifest.layers):
            if has_blob(repository, blob.digest) is not None:
                continue
            if mount_blob(repository, blob.digest, entry.reference.path) is not None:
                raise BlobNotThere(blob.digest, entry)
    descriptor = entry.descriptor
    document = ManifestDocument(descriptor=descriptor, data=entry.data)
    repository.put_manifest(str(descriptor.digest), document)
