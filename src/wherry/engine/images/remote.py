"""Finding an image in a registry: from its name to the manifest and configuration to pull."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.engine.images.resolve import WrongPlatform
from wherry.errors import InvalidArgument, Unsupported, WherryError
from wherry.oci.digest import Digest
from wherry.oci.image_config import ImageConfig
from wherry.oci.index import Index
from wherry.oci.manifest import Manifest
from wherry.oci.media_type import CONFIGS, LAYERS
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.registry.download import read_small_blob
from wherry.registry.errors import InvalidAnswer
from wherry.registry.platforms import choose_manifest
from wherry.registry.repository import ManifestDocument, Repository, open_repositories
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.registry.session import Session

CONFIG_LIMIT = 4 << 20
_OTHER_LAYERS = (
    # Not to be passed on, for legal reasons; a registry may have them all the same. The addresses
    # that a manifest gives for such layers are never asked.
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
)


class NotAnImage(Unsupported):
    def __init__(self, media_type: str) -> None:
        super().__init__(f"unsupported media type {media_type}: this is no container image")
        self.media_type = media_type


class LayersDoNotMatch(InvalidArgument):
    def __init__(self) -> None:
        super().__init__("layers from manifest don't match image configuration")


class WrongSystem(Unsupported):
    def __init__(self, system: str) -> None:
        super().__init__(
            f'image operating system "{system}" cannot be used on this platform: unsupported'
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteImage:
    """An image of one platform. `digest` is what the name leads to: an index, or the manifest."""

    repositories: tuple[Repository, ...]
    digest: Digest
    manifest: Manifest
    manifest_bytes: bytes
    document: bytes
    config: ImageConfig


def find_remote_image(
    session: "Session",
    reference: Reference,
    platform: Platform | None,
    *,
    found: Callable[[], None] = lambda: None,
) -> RemoteImage:
    """The image that the tag or digest of `reference` leads to, for `platform` or this machine.

    `found` is called when the registry knows the name. Of several servers the first that has the
    image is used, the others stand by.
    """
    document, repositories = first_that_has(session, reference)
    found()
    digest = document.descriptor.digest
    if document.is_index:
        wanted = platform or Platform.host()
        entry = choose_manifest(Index.from_bytes(document.data), wanted, exact=platform is not None)
        document = repositories[0].manifest(str(entry.digest))
        if document.is_index:
            raise InvalidAnswer("the registry's index leads to another index")
    manifest = Manifest.from_bytes(document.data)
    _check_types(manifest)
    config_bytes = read_small_blob(repositories, manifest.config, CONFIG_LIMIT)
    config = ImageConfig.from_bytes(config_bytes)
    if len(manifest.layers) != len(config.rootfs.diff_ids):
        raise LayersDoNotMatch
    if config.platform.os != "linux":
        raise WrongSystem(config.platform.os)
    if platform is not None and platform.rank(config.platform) is None:
        raise WrongPlatform(str(reference), platform, config.platform)
    return RemoteImage(
        repositories=repositories,
        digest=digest,
        manifest=manifest,
        manifest_bytes=document.data,
        document=config_bytes,
        config=config,
    )


def first_that_has(
    session: "Session", reference: Reference
) -> tuple[ManifestDocument, tuple[Repository, ...]]:
    """What the tag or digest leads to, and the servers from the first that has it on."""
    name = str(reference.digest or reference.tag)
    candidates = open_repositories(session, reference)
    failure: WherryError | None = None
    for repository in candidates:
        try:
            document = repository.manifest(name)
        except WherryError as error:
            failure = error
            continue
        return document, (repository, *_reachable(candidates))
    assert failure is not None  # the registry itself is always among the candidates
    raise failure


def _reachable(candidates: Iterator[Repository]) -> Iterator[Repository]:
    """Those that stand by; what a mirror has does not need the registry to be there."""
    with suppress(WherryError):
        yield from candidates


def _check_types(manifest: Manifest) -> None:
    if manifest.config.media_type not in CONFIGS:
        raise NotAnImage(manifest.config.media_type)
    for layer in manifest.layers:
        if layer.media_type not in LAYERS and not layer.media_type.startswith(_OTHER_LAYERS):
            raise NotAnImage(layer.media_type)
