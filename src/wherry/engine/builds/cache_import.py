"""`--cache-from`: the steps that others have carried out. Their layers come when they are needed.

A cache that cannot be had is told of and done without, as in BuildKit.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from wherry.build.inputs import StepInputs
from wherry.build.order import Take, Workshop
from wherry.build.progress import Report, vertex
from wherry.build.shared_cache import (
    INLINE,
    MEDIA_TYPE,
    ImportedStep,
    InvalidCache,
    steps_in,
    take_imported,
)
from wherry.engine.builds.bases import credential_for
from wherry.engine.builds.cache_options import CacheSource, cache_sources
from wherry.errors import NotFound, Unsupported, WherryError
from wherry.images.archive.layout import Layout, open_layout
from wherry.images.archive.oci import INDEX, blob_name
from wherry.linux.openat import opened
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.image_config import ImageConfig
from wherry.oci.index import REFERENCE_NAME, Index
from wherry.oci.manifest import Manifest
from wherry.oci.media_type import CONFIGS, INDEXES
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.registry.credentials import Credential
from wherry.store.build_cache import CacheRecord
from wherry.store.images import StoredImage, image_named, layers_of
from wherry.store.layer_tar import tar_of_layer
from wherry.store.layers import Layer, get_layer
from wherry.store.leases import Lease

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_LARGEST_CONFIG = 64 << 20  # bytes
BUILDKIT_CACHE = "application/vnd.buildkit.cacheconfig.v0"
BUILDKIT_INLINE = "moby.buildkit.cache.v0"

ReadLayer = Callable[[int, Lease], Iterable[bytes]]
"""The tar of the layer of that number, packed or not."""


class ForeignCache(Unsupported):
    """Steps by keys that only their own builder computes."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is a cache of BuildKit's, whose keys are its own: not used")


class NoCacheThere(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no build cache of wherry's")


def import_caches(
    engine: "Engine",
    texts: Iterable[str],
    undo: ExitStack,
    report: Report,
    credentials: Mapping[str, Credential] | None = None,
) -> Take:
    """What takes steps from what --cache-from names; of the same step the first one's.

    `credentials` are by the domains of registries; None is what this user's file has.
    """
    found: dict[Digest, ImportedStep] = {}
    for source in cache_sources(texts):
        foreign = None
        try:
            with vertex(report, f"importing cache manifest from {source.shown}"):
                try:
                    steps = _imported(engine, source, undo, credentials)
                except ForeignCache as error:  # no failure: all there is to it is said below
                    foreign, steps = error, []
        except WherryError:
            continue
        if foreign is not None:
            with vertex(report, f"WARNING: {foreign.message}"):
                pass
        for step in steps:
            found.setdefault(step.step.inputs.key, step)

    def take(workshop: Workshop, inputs: StepInputs, parent: Layer | None) -> CacheRecord | None:
        imported = found.get(inputs.key)
        if imported is None:
            return None
        try:
            with vertex(workshop.report, f"importing layer {imported.step.diff_id.short}"):
                return take_imported(workshop.lease, imported, parent)
        except WherryError:
            return None  # it is made here then

    return take


def _imported(
    engine: "Engine",
    source: CacheSource,
    undo: ExitStack,
    credentials: Mapping[str, Credential] | None,
) -> list[ImportedStep]:
    if source.reference is None:
        return _in_layout(source, undo)
    image = image_named(engine.store.database.connection, source.reference)
    if image is not None and INLINE in image.config.extra:
        return _in_image_here(engine, image)
    return _in_registry(source.reference, credential_for(source.reference, credentials))


def _in_image_here(engine: "Engine", image: StoredImage) -> list[ImportedStep]:
    store = engine.store
    chain = layers_of(store.database.connection, image.id)

    def read(number: int, _lease: Lease) -> Iterable[bytes]:
        return tar_of_layer(store, get_layer(store, chain[number]))

    return _steps(_inline(image.config, str(image.id)), len(chain), read)


def _in_layout(source: CacheSource, undo: ExitStack) -> list[ImportedStep]:
    layout = undo.enter_context(open_layout(source.folder))
    index = Index.from_bytes(layout.document(INDEX, INDEX))
    _refuse_foreign(index, source.folder)
    digest = source.digest
    for each in index.manifests:
        if digest is None and each.annotations.get(REFERENCE_NAME) == source.tag:
            digest = each.digest
    if digest is None:
        raise NoCacheThere(f"{source.folder}:{source.tag}")
    data = _blob(layout, digest)
    if any(each.digest == digest and each.media_type in INDEXES for each in index.manifests):
        _refuse_foreign(Index.from_bytes(data), source.folder)
    manifest = Manifest.from_bytes(data)
    document = _document(manifest, _blob(layout, manifest.config.digest), source.folder)

    def read(number: int, _lease: Lease) -> Iterable[bytes]:
        return layout.member(blob_name(manifest.layers[number].digest), INDEX).pieces()

    return _steps(document, len(manifest.layers), read)


def _blob(layout: Layout, digest: Digest) -> bytes:
    member = layout.member(blob_name(digest), INDEX)
    if member.size > _LARGEST_CONFIG:
        raise InvalidCache(f"{member.name} is too large")
    data = b"".join(member.pieces())
    if Digest.of_bytes(data) != digest:
        raise InvalidCache(f"{member.name} has another digest")
    return data


def _in_registry(reference: Reference, credential: Credential | None) -> list[ImportedStep]:
    # HTTP and TLS, for those who ask a registry.
    from wherry.engine.images.remote import first_that_has
    from wherry.engine.images.sessions import registry_session
    from wherry.registry.download import read_small_blob
    from wherry.registry.platforms import choose_manifest

    with registry_session(credential=credential) as session:
        document, repositories = first_that_has(session, reference)
        if document.is_index:
            index = Index.from_bytes(document.data)
            _refuse_foreign(index, str(reference))
            entry = choose_manifest(index, Platform.host(), exact=False)
            document = repositories[0].manifest(str(entry.digest))
        manifest = Manifest.from_bytes(document.data)
        config = read_small_blob(repositories, manifest.config, _LARGEST_CONFIG)

    def read(number: int, lease: Lease) -> Iterable[bytes]:
        return _downloaded(lease, reference, manifest.layers[number], credential)

    return _steps(_document(manifest, config, str(reference)), len(manifest.layers), read)


def _downloaded(
    lease: Lease, reference: Reference, descriptor: Descriptor, credential: Credential | None
) -> Iterator[bytes]:
    # A session of its own: it may be another process by now than the one that found the cache.
    from wherry.engine.images.sessions import registry_session
    from wherry.registry.download import download_blob
    from wherry.registry.repository import open_repositories

    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with (
        registry_session(credential=credential) as session,
        opened(os.open(lease.new_path("-blob"), flags, 0o600)) as file,
    ):
        repositories = list(open_repositories(session, reference))
        yield from download_blob(repositories, descriptor, file)


def _document(manifest: Manifest, config: bytes, name: str) -> object:
    """The steps' document: the configuration itself, or in it."""
    if manifest.config.media_type == MEDIA_TYPE:
        return config
    if manifest.config.media_type in CONFIGS:
        return _inline(ImageConfig.from_bytes(config), name)
    if manifest.config.media_type == BUILDKIT_CACHE:
        raise ForeignCache(name)
    raise NoCacheThere(name)


def _refuse_foreign(index: Index, name: str) -> None:
    """BuildKit writes its cache as an index, of layers and what tells their keys."""
    if any(each.media_type == BUILDKIT_CACHE for each in index.manifests):
        raise ForeignCache(name)


def _inline(config: ImageConfig, name: str) -> object:
    document = config.extra.get(INLINE)
    if document is None and BUILDKIT_INLINE in config.extra:
        raise ForeignCache(name)
    if document is None:
        raise NoCacheThere(name)
    return document


def _steps(document: object, layers: int, read: ReadLayer) -> list[ImportedStep]:
    steps = steps_in(document)
    if any(step.layer >= layers for step in steps):
        raise InvalidCache("a step has a layer that is not there")
    return [ImportedStep(step=step, read=partial(read, step.layer)) for step in steps]
