"""Repairing what `system check` found: orphans are freed, damaged content is fetched again.

Content comes from wherever an image that needs it has come from, by digest, and is verified as in
a pull. A layer is unpacked again from its blob if that is whole. What cannot be had is told.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.engine.images.fetch import LayerFetch, fetched_blob
from wherry.engine.images.progress import Reporter, quietly
from wherry.engine.images.remote import find_remote_image
from wherry.engine.images.sessions import registry_session
from wherry.errors import Conflict, InvalidArgument, NotFound, WherryError
from wherry.images.ingest import take_in_layers
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import ChainID, Digest
from wherry.oci.image_config import image_id
from wherry.oci.manifest import Manifest
from wherry.oci.reference import Reference
from wherry.registry.download import read_small_blob
from wherry.registry.repository import Repository, open_repositories
from wherry.store.blobs import DOCUMENT_LIMIT, has_blob, remove_blob
from wherry.store.build_cache import delete_records
from wherry.store.checks.finding import Finding, Kind, State
from wherry.store.containers import list_containers, shim_pid_of
from wherry.store.garbage import collect
from wherry.store.images import (
    StoredImage,
    forget_manifest,
    image_of_id,
    layers_of,
    list_images,
    names_of,
    restore_document,
)
from wherry.store.layer_blobs import blobs_of
from wherry.store.layers import Layer, chain_of, find_layer, link_layer, restore_layer
from wherry.store.leases import Lease, lease_of
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.registry.session import Session

_REMEDIES = {
    Kind.CONTAINER: "remove it with: wherry rm",
    Kind.VOLUME: "remove it with: wherry volume rm",
    Kind.DATABASE: "bring it back from a backup",
    Kind.IMAGE: "remove it with: wherry rmi",
}


class NoSource(NotFound):
    def __init__(self) -> None:
        super().__init__("no registry is known to have it")


class LayerInUse(Conflict):
    def __init__(self, container_id: str) -> None:
        super().__init__(f"running container {container_id[:12]} uses it: stop it first")


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """What became of one finding, in words; `done` tells whether all is well now."""

    finding: Finding
    outcome: str
    done: bool


def repair_system(engine: "Engine", findings: Iterable[Finding]) -> list[Repair]:
    """Repair what can be repaired. Of each finding what was done, or why it could not be."""
    repairs = []
    with registry_session() as session, lease_of(engine.store) as lease:
        mechanic = _Mechanic(engine, session, lease)
        # Documents name the blobs, and blobs hold the layers.
        for finding in sorted(findings, key=_order):
            try:
                outcome = mechanic.repair(finding)
                repairs.append(Repair(finding=finding, outcome=outcome, done=True))
            except WherryError as error:
                repairs.append(Repair(finding=finding, outcome=error.message, done=False))
    if any(repair.finding.state is State.ORPHANED for repair in repairs):
        collect(engine.store)  # last: what was repaired tells it what is needed
    return repairs


def _order(finding: Finding) -> int:
    first = (Kind.IMAGE, Kind.BLOB, Kind.LAYER)
    return first.index(finding.kind) if finding.kind in first else len(first)


class _Mechanic:
    def __init__(self, engine: "Engine", session: "Session", lease: Lease) -> None:
        self._engine = engine
        self._store = engine.store
        self._session = session
        self._lease = lease

    def repair(self, finding: Finding) -> str:
        """What was done; raises what prevented it."""
        if finding.state is State.ORPHANED:
            if finding.kind is Kind.BUILD_CACHE:
                with self._store.database.write() as connection:
                    delete_records(connection, [Digest(finding.name)])
            return "freed"
        if finding.kind is Kind.BLOB:
            return self._blob(Digest(finding.name))
        if finding.kind is Kind.LAYER:
            return self._layer(ChainID(finding.name))
        if finding.kind is Kind.IMAGE:
            return self._image(image_of_id(self._store.database.connection, Digest(finding.name)))
        if finding.kind is Kind.LINK:
            link_layer(self._store, int(finding.name.rpartition("/")[2]))
            return "made again"
        raise NotFound(_REMEDIES.get(finding.kind, "cannot be repaired"))

    def _blob(self, digest: Digest) -> str:
        remove_blob(self._store, digest)
        for reference, descriptor in self._sources(digest):
            with suppress(WherryError):  # the next one may have it
                for _ in fetched_blob(self._lease, self._repositories(reference), descriptor):
                    continue
                return f"fetched again from {reference.name}"
        return "removed: a push packs its layer anew"

    def _layer(self, chain_id: ChainID) -> str:
        layer = find_layer(self._store.database.connection, chain_id)
        if layer is None:
            return self._missing_layer(chain_id)
        self._check_unused(layer)
        failure: WherryError = NoSource()
        for reference, descriptor in self._origins(layer):
            try:
                repositories = () if reference is None else self._repositories(reference)
                pieces = fetched_blob(self._lease, repositories, descriptor)
                restore_layer(self._lease, layer, pieces)
            except WherryError as error:
                failure = error
            else:
                origin = "its blob" if reference is None else reference.name
                return f"unpacked again from {origin}"
        raise failure

    def _origins(self, layer: Layer) -> Iterator[tuple[Reference | None, Descriptor]]:
        """Blobs that hold the layer: None stands for the store, which may have them."""
        for descriptor in blobs_of(self._store.database.connection, layer.diff_id):
            if has_blob(self._store, descriptor.digest):
                yield None, descriptor
            yield from self._sources(descriptor.digest)

    def _missing_layer(self, chain_id: ChainID) -> str:
        """Take in again what images that stand on the chain lack."""
        connection = self._store.database.connection
        failure: WherryError = NoSource()
        for image in list(list_images(connection)):
            if chain_id not in layers_of(connection, image.id):
                continue
            for reference in self._origins_of(image):
                try:
                    self._take_in(image, reference)
                except WherryError as error:
                    failure = error
                else:
                    return f"fetched again from {reference.name}"
        raise failure

    def _take_in(self, image: StoredImage, reference: Reference) -> None:
        remote = find_remote_image(self._session, reference, image.config.platform)
        if image_id(remote.document) != image.id:
            raise NoSource
        cancellation = self._session.transport.cancellation
        fetch = LayerFetch(self._lease, remote.repositories, Reporter(quietly), cancellation)
        take_in_layers(self._lease, fetch.sources(remote, quietly=True))

    def _image(self, image: StoredImage) -> str:
        if Digest.of_bytes(image.document) != image.id:
            return self._document(image)
        try:
            sound = image.manifest is None or (
                Manifest.from_bytes(image.manifest).config.digest == image.id
            )
        except InvalidArgument:
            sound = False
        if sound:
            raise NotFound(_REMEDIES[Kind.IMAGE])
        with self._store.database.write() as connection:
            forget_manifest(connection, image.id)
        return "its manifest was forgotten: a push makes a new one"

    def _document(self, image: StoredImage) -> str:
        failure: WherryError = NoSource()
        for reference, descriptor in self._sources(image.id):
            try:
                repositories = self._repositories(reference)
                document = read_small_blob(repositories, descriptor, DOCUMENT_LIMIT)
            except WherryError as error:
                failure = error
                continue
            with self._store.database.write() as connection:
                restore_document(connection, image.id, document)
            return f"fetched again from {reference.name}"
        raise failure

    def _sources(self, digest: Digest) -> Iterator[tuple[Reference, Descriptor]]:
        """Where a blob of this digest has been, and how a manifest there describes it."""
        for image in list(list_images(self._store.database.connection)):
            if image.manifest is None:
                continue
            try:
                manifest = Manifest.from_bytes(image.manifest)
            except InvalidArgument:
                continue
            for descriptor in (manifest.config, *manifest.layers):
                if descriptor.digest == digest:
                    for reference in self._origins_of(image):
                        yield reference, descriptor

    def _origins_of(self, image: StoredImage) -> list[Reference]:
        """The names by digest under which a registry has, or had, the image."""
        names = names_of(self._store.database.connection, image.id)
        return [name for name in names if name.digest is not None]

    def _repositories(self, reference: Reference) -> tuple[Repository, ...]:
        return tuple(open_repositories(self._session, reference))

    def _check_unused(self, layer: Layer) -> None:
        for container in list_containers(self._store):
            top = container.details.layer_chain
            if top and shim_pid_of(self._store, container.id):
                chain = chain_of(self._store, ChainID(top))
                if any(each.chain_id == layer.chain_id for each in chain):
                    raise LayerInUse(container.id)
