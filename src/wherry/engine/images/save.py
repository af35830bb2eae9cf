"""Writing images into one archive."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from wherry.engine.images.resolve import check_platform
from wherry.errors import InvalidArgument
from wherry.images.archive.write import ArchiveForm, SavedImage, archive_of
from wherry.oci.digest import Digest
from wherry.oci.platform import Platform
from wherry.oci.reference import InvalidReference, Reference
from wherry.store.images import (
    StoredImage,
    find_image,
    image_named,
    layers_of,
    names_of,
    tags_in_repository,
)
from wherry.store.layers import claim_layer, get_layer
from wherry.store.leases import lease_of

if TYPE_CHECKING:
    import sqlite3

    from wherry.engine.engine import Engine


def parse_form(text: str) -> ArchiveForm:
    """The form that `--format` names."""
    try:
        return ArchiveForm(text or "docker")
    except ValueError:
        raise InvalidArgument(
            f'unknown archive format "{text}": must be one of docker, oci'
        ) from None


def save_images(
    engine: "Engine",
    names: Sequence[str],
    *,
    platform: Platform | None = None,
    form: ArchiveForm = ArchiveForm.DOCKER,
) -> Iterator[bytes]:
    """The pieces of an archive of the images called `names`; raises before the first piece.

    An image keeps the names it was asked by: a tag, with a repository alone all tags in it, with
    an ID none.
    """
    connection = engine.store.database.connection
    asked: dict[Digest, tuple[StoredImage, list[Reference]]] = {}
    for name in names:
        for image, tag in _found(connection, name):
            check_platform(image, name, platform)
            tags = asked.setdefault(image.id, (image, []))[1]
            if tag is not None and tag not in tags:
                tags.append(tag)
    return _archive(engine, list(asked.values()), form)


def _archive(
    engine: "Engine", asked: list[tuple[StoredImage, list[Reference]]], form: ArchiveForm
) -> Iterator[bytes]:
    store = engine.store
    with lease_of(store) as lease:
        saved = []
        for image, tags in asked:
            chain = layers_of(store.database.connection, image.id)
            for chain_id in chain[-1:]:
                claim_layer(lease, chain_id)  # and with it all those below
            layers = [get_layer(store, chain_id) for chain_id in chain]
            saved.append(SavedImage(document=image.document, layers=layers, names=tuple(tags)))
        yield from archive_of(store, saved, form)
    for image, _ in asked:
        labels = image.config.config.labels
        engine.events.publish_image("save", str(image.id), str(image.id), labels)


def _found(
    connection: "sqlite3.Connection", name: str
) -> list[tuple[StoredImage, Reference | None]]:
    """The images that `name` means, each with the tag to keep."""
    try:
        reference = Reference.parse(name)
    except InvalidReference:
        return [(find_image(connection, name), None)]
    if reference.is_name_only:
        tags = tags_in_repository(connection, reference)
        found = [(image_named(connection, tag), tag) for tag in tags]
        if found:
            return [(image, tag) for image, tag in found if image is not None]
    image = find_image(connection, name)
    by_tag = reference.tag is not None and reference.digest is None
    return [(image, reference if by_tag and reference in names_of(connection, image.id) else None)]
