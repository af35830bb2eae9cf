"""Removing names of images, and images that have lost their last one: Docker's rules.

A conflict is hard when nothing may be done about it here (an image made on top, a running
container), and soft when --force goes on in spite of it.
"""

import time
from typing import TYPE_CHECKING

from wherry.engine.images.resolve import check_platform
from wherry.errors import Conflict
from wherry.oci.digest import ChainID, Digest
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.store.containers import list_containers, shim_pid_of
from wherry.store.garbage import collect
from wherry.store.images import (
    StoredImage,
    children_of,
    delete_image,
    find_image,
    is_id_prefix,
    layers_of,
    names_of,
    remove_name,
)
from wherry.values import dataclass, field

if TYPE_CHECKING:
    import sqlite3

    from wherry.engine.engine import Engine


class NameInUse(Conflict):
    def __init__(self, name: str, container_id: str, image_id: Digest) -> None:
        super().__init__(
            f'conflict: unable to remove repository reference "{name}" (must force) - container'
            f" {container_id[:12]} is using its referenced image {image_id.short}"
        )


class ImageInUse(Conflict):
    """`hard` cannot be forced."""

    def __init__(self, image_id: Digest, problem: str, *, hard: bool = False) -> None:
        force = "cannot be forced" if hard else "must be forced"
        super().__init__(f"conflict: unable to delete {image_id.short} ({force}) - {problem}")


@dataclass(frozen=True, slots=True)
class Removal:
    """One line of what happened: a name taken away, or an image or a layer deleted."""

    untagged: Reference | None = None
    deleted: Digest | ChainID | None = None


@dataclass(slots=True)
class _Work:
    """One removal under way, inside its transaction."""

    engine: "Engine"
    connection: "sqlite3.Connection"
    force: bool
    now_ns: int
    removals: list[Removal] = field(default_factory=list)
    events: list[tuple[str, StoredImage]] = field(default_factory=list)
    # The layers of the images that went, in the order of their going.
    chains: list[tuple[Digest, list[ChainID]]] = field(default_factory=list)

    def untag(self, name: Reference, image: StoredImage) -> None:
        if remove_name(self.connection, name, self.now_ns, force=self.force):
            self.removals.append(Removal(untagged=name))
            self.events.append(("untag", image))

    def names(self, image_id: Digest) -> list[Reference]:
        return names_of(self.connection, image_id)


def remove_image(
    engine: "Engine",
    name: str,
    *,
    force: bool = False,
    prune: bool = True,
    platform: Platform | None = None,
) -> list[Removal]:
    """Remove the name, and with the last one its image and what only that needed.

    With `prune` parents without names go as well. Raises NoSuchImage, NameInUse, ImageInUse,
    TagLocked, WrongPlatform; then nothing was removed.
    """
    with engine.store.database.write() as connection:
        image = find_image(connection, name)
        check_platform(image, name, platform)
        work = _Work(engine, connection, force, time.time_ns())
        _remove(work, image, name, prune)
        engine.store.trace("image to be forgotten")
    engine.store.trace("image forgotten")
    gone = set(collect(engine.store).layers) if work.chains else set()
    for action, each in work.events:
        identity = str(each.id)
        engine.events.publish_image(action, identity, identity, each.config.config.labels)
    return _with_layers(work, gone)


def _remove(work: _Work, image: StoredImage, name: str, prune: bool) -> None:
    names = work.names(image.id)
    if not is_id_prefix(image.id, name):
        reference = Reference.parse(name).with_default_tag()
        if reference.digest is not None:
            reference = reference.with_digest(reference.digest)
        if not work.force and _is_single(names):
            user = _user(work, image.id)
            if user is not None:
                raise NameInUse(name, user, image.id)
        work.untag(reference, image)
        _untag_leftover_digests(work, image, reference)
        if not work.names(image.id):
            _delete(work, image, prune=prune, quiet=True)
        return
    if _is_single(names):
        _check(work, image.id, soft=not work.force, names=False)
        for each in names:
            work.untag(each, image)
    _delete(work, image, prune=prune, quiet=False)


def _untag_leftover_digests(work: _Work, image: StoredImage, removed: Reference) -> None:
    """With the last tag of a repository its digests go too."""
    names = [name for name in work.names(image.id) if name.name == removed.name]
    if removed.digest is None and all(name.digest is not None for name in names):
        for name in names:
            work.untag(name, image)


def _delete(work: _Work, image: StoredImage, *, prune: bool, quiet: bool) -> None:
    try:
        _check(work, image.id, soft=not work.force, names=True)
    except ImageInUse:
        if quiet:  # what was asked for, to take a name away, is done
            return
        raise
    for name in work.names(image.id):
        work.untag(name, image)
    work.chains.append((image.id, layers_of(work.connection, image.id)))
    delete_image(work.connection, image.id)
    work.removals.append(Removal(deleted=image.id))
    work.events.append(("delete", image))
    if prune and image.parent_id is not None:
        _delete_parent(work, image.parent_id)


def _delete_parent(work: _Work, image_id: Digest) -> None:
    row = work.connection.execute("SELECT 1 FROM images WHERE id = ?", (str(image_id),)).fetchone()
    if row is None or work.names(image_id) or children_of(work.connection, image_id):
        return
    parent = find_image(work.connection, str(image_id))
    _delete(work, parent, prune=True, quiet=True)


def _check(work: _Work, image_id: Digest, *, soft: bool, names: bool) -> None:
    """Raise ImageInUse for the first conflict, those that can be forced only if `soft`."""
    if children_of(work.connection, image_id):
        raise ImageInUse(image_id, "image has dependent child images", hard=True)
    user = _user(work, image_id, running=True)
    if user is not None:
        problem = f"image is being used by running container {user[:12]}"
        raise ImageInUse(image_id, problem, hard=True)
    if not soft:
        return
    if names and work.names(image_id):
        raise ImageInUse(image_id, "image is referenced in multiple repositories")
    user = _user(work, image_id)
    if user is not None:
        problem = f"image is being used by stopped container {user[:12]}"
        raise ImageInUse(image_id, problem)


def _user(work: _Work, image_id: Digest, *, running: bool = False) -> str | None:
    """The ID of a container of the image."""
    store = work.engine.store
    for container in list_containers(store):
        if container.image_id == str(image_id) and (
            not running or shim_pid_of(store, container.id)
        ):
            return container.id
    return None


def _is_single(names: list[Reference]) -> bool:
    """Whether the image has at most one tag, and no digest in another repository."""
    tags = [name for name in names if name.digest is None]
    return len(tags) <= 1 and len({name.name for name in names}) <= 1


def _with_layers(work: _Work, gone: set[ChainID]) -> list[Removal]:
    """The removals, each image followed by the layers that went with it, topmost first."""
    later: set[ChainID] = set()
    layers: dict[Digest, list[Removal]] = {}
    for image_id, chain in reversed(work.chains):
        own = [chain_id for chain_id in reversed(chain) if chain_id in gone - later]
        layers[image_id] = [Removal(deleted=chain_id) for chain_id in own]
        later.update(chain)
    removals = []
    for removal in work.removals:
        removals.append(removal)
        if isinstance(removal.deleted, Digest):
            removals += layers[removal.deleted]
    return removals
