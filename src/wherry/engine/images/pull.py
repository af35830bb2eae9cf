"""Pulling an image: its manifest, what is missing of its layers, and one transaction at the end.

A layer is unpacked while it arrives. Its compressed bytes are kept as a blob, since a push of the
image to another registry must send the very same. What has arrived when a pull is stopped, however
it is, is where the next one goes on.
"""

import errno
import time
from typing import TYPE_CHECKING

from wherry.engine.images.all_tags import check_all_tags
from wherry.engine.images.fetch import LayerFetch
from wherry.engine.images.progress import Report, Reporter, quietly
from wherry.engine.images.remote import RemoteImage, find_remote_image
from wherry.engine.images.sessions import registry_session
from wherry.errors import NotFound, WherryError
from wherry.images.ingest import (
    NewImage,
    commit_images,
    take_in_layers,
)
from wherry.oci.digest import Digest
from wherry.oci.image_config import image_id
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.registry.credentials import Credential
from wherry.registry.errors import Denied, ManifestUnknown, RepositoryUnknown, Unreachable
from wherry.registry.repository import Repository, open_repositories
from wherry.registry.transport import Transport
from wherry.store.compression import DamagedStream
from wherry.store.downloads import discard_download
from wherry.store.images import (
    NoSuchImage,
    StoredImage,
    all_names,
    image_named,
    image_of_id,
    set_tag,
)
from wherry.store.layer_blobs import record_blob
from wherry.store.layers import LayerNotStored, WrongDiffID
from wherry.store.leases import lease_of
from wherry.store.tar.entry import InvalidArchive
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.registry.session import Session


class PullAccessDenied(NotFound):
    """Docker's words, which clients look for."""

    def __init__(self, reference: Reference, cause: WherryError) -> None:
        super().__init__(
            f"pull access denied for {reference.familiar_name}, repository does not exist or may"
            f" require 'docker login': {cause.message}",
        )
        self.hint = "log in with: wherry login"


_A_RELEASE = {"debian": ":bookworm", "ubuntu": ":noble"}  # what stands for the latest in hints


class ManifestNotFound(NotFound):
    def __init__(self, reference: Reference, cause: WherryError) -> None:
        super().__init__(f"manifest for {reference} not found: {cause.message}")


class RepositoryNotFound(NotFound):
    def __init__(self, reference: Reference, cause: WherryError) -> None:
        super().__init__(f"repository {reference.familiar_name} not found: {cause.message}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PulledImage:
    """`is_new` tells whether the name leads to another image than before."""

    reference: Reference
    id: Digest
    digest: Digest
    is_new: bool


def pull_image(
    engine: "Engine",
    name: str,
    *,
    platform: Platform | None = None,
    all_tags: bool = False,
    report: Report = quietly,
    credential: Credential | None = None,
    transport: Transport | None = None,
) -> list[PulledImage]:
    """Pull the image called `name`, or every tag of the repository; what is here then.

    `credential` stands in for the user's own. `transport` may be the caller's: its cancellation
    stops the pull from another thread.
    Raises PullAccessDenied, ManifestNotFound, RepositoryNotFound, NoMatchingManifest, WrongDiffID,
    and what `wherry.registry` raises.
    """
    reference = Reference.parse(name)
    check_all_tags(reference, all_tags=all_tags)
    tell = Reporter(report)
    with registry_session(transport, credential=credential) as session:
        try:
            wanted = [reference.with_default_tag()]
            if all_tags:
                wanted = _all_tags(session, reference)
            pulled = [_pull(engine, session, one, platform, tell) for one in wanted]
        except (Denied, ManifestUnknown, RepositoryUnknown) as error:
            raise _hinted(reference, _in_dockers_words(reference, error)) from error
        except Unreachable as error:
            _hinted(reference, error)
            raise
    subject = reference if all_tags else reference.with_default_tag()
    if any(image.is_new for image in pulled):
        tell(f"Status: Downloaded newer image for {subject}")
    else:
        tell(f"Status: Image is up to date for {subject}")
    return pulled


def _hinted(reference: Reference, error: WherryError) -> WherryError:
    """The error, with what can be done where the image needs no registry."""
    from wherry.engine.images.bootstrap import can_be_made  # where all else has failed

    if can_be_made(reference):
        tag = f":{reference.tag}" if reference.tag else _A_RELEASE.get(reference.familiar_name, "")
        error.hint = f"make this image with: wherry bootstrap {reference.familiar_name}{tag}"
    return error


def _in_dockers_words(reference: Reference, error: WherryError) -> WherryError:
    if isinstance(error, Denied):
        return PullAccessDenied(reference, error)
    if isinstance(error, ManifestUnknown):
        return ManifestNotFound(reference.with_default_tag(), error)
    return RepositoryNotFound(reference, error)


def _all_tags(session: "Session", reference: Reference) -> list[Reference]:
    repositories: list[Repository] = []
    try:
        for repository in open_repositories(session, reference):
            repositories.append(repository)  # noqa: PERF402 - one that fails leaves the others
    except Unreachable:
        if not repositories:
            raise
    # The registry itself, if it is there: a mirror may not know all of them.
    return [reference.with_tag(tag) for tag in repositories[-1].tags()]


def _pull(
    engine: "Engine",
    session: "Session",
    reference: Reference,
    platform: Platform | None,
    tell: Reporter,
) -> PulledImage:
    connection = engine.store.database.connection
    before = image_named(connection, reference)
    known = _known(engine, session, reference, platform)
    if known is not None:
        image, digest = known
        tell(f"Pulling from {reference.path}", reference.tag or str(reference))
        if reference.digest is None:
            with engine.store.database.write() as write:
                set_tag(write, reference, image.id, time.time_ns(), "pull")
        return _pulled(engine, reference, image, digest, before, tell)
    remote = find_remote_image(
        session,
        reference,
        platform,
        found=lambda: tell(f"Pulling from {reference.path}", reference.tag or str(reference)),
    )
    with lease_of(engine.store) as lease:
        fetch = LayerFetch(lease, remote.repositories, tell, session.transport.cancellation)
        # Of an image that is here, under whatever name, Docker does not list the layers.
        sources = fetch.sources(remote, quietly=_is_here(engine, remote))
        try:
            layers = take_in_layers(lease, sources)
        except BaseException as error:
            session.transport.cancellation.cancel()
            if _is_to_begin_anew(error):
                for descriptor in remote.manifest.layers:
                    discard_download(engine.store, descriptor.digest)
            if fetch.failure is not None:
                # Others were called off because of this one.
                raise fetch.failure from None
            raise
        for number, descriptor in enumerate(remote.manifest.layers):
            if number in fetch.fetched:
                tell("Pull complete", descriptor.digest.short)
        by_digest = reference.with_digest(remote.digest)
        committed = commit_images(
            lease,
            [
                NewImage(
                    document=remote.document,
                    layers=layers,
                    names=(reference,) if reference.digest is None else (),
                    digests=(by_digest,),
                    manifest=remote.manifest_bytes,
                )
            ],
            reason="pull",
        )
        with engine.store.database.write() as write:
            for layer, descriptor in zip(layers, remote.manifest.layers, strict=True):
                record_blob(write, layer.diff_id, descriptor)
    return _pulled(engine, reference, committed[0].image, remote.digest, before, tell)


def _is_to_begin_anew(error: BaseException) -> bool:
    """Whether what has come is not to be gone on from: it may be wrong, or fills the disk."""
    if isinstance(error, LayerNotStored):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, (DamagedStream, InvalidArchive, WrongDiffID))


def _pulled(
    engine: "Engine",
    reference: Reference,
    image: StoredImage,
    digest: Digest,
    before: StoredImage | None,
    tell: Reporter,
) -> PulledImage:
    tell(f"Digest: {digest}")
    labels = image.config.config.labels
    engine.events.publish_image("pull", str(reference), reference.familiar_name, labels)
    is_new = before is None or before.id != image.id
    return PulledImage(reference=reference, id=image.id, digest=digest, is_new=is_new)


def _known(
    engine: "Engine", session: "Session", reference: Reference, platform: Platform | None
) -> tuple[StoredImage, Digest] | None:
    """The image and digest that the name leads to, if that is here for this platform.

    Asked with HEAD, which registries that count pulls do not count.
    """
    if not _has_repository(engine, reference):
        return None
    name = str(reference.digest or reference.tag)
    digest = next(iter(open_repositories(session, reference))).resolve(name).digest
    image = image_named(engine.store.database.connection, reference.with_digest(digest))
    wanted = (platform or Platform.host()).normalised
    if image is None or image.manifest is None:
        return None
    found = image.config.platform
    fits = (found.os, found.architecture) == (wanted.os, wanted.architecture)
    return (image, digest) if fits and wanted.variant in ("", found.variant) else None


def _has_repository(engine: "Engine", reference: Reference) -> bool:
    """Whether anything of the repository was pulled before, without which HEAD is for nothing."""
    names = all_names(engine.store.database.connection)
    return any(
        name.digest is not None and name.name == reference.name
        for image_names in names.values()
        for name in image_names
    )


def _is_here(engine: "Engine", remote: RemoteImage) -> bool:
    try:
        image_of_id(engine.store.database.connection, image_id(remote.document))
    except NoSuchImage:
        return False
    return True
