"""What an image was made of, step by step."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wherry.engine.documents.history import history_document
from wherry.engine.documents.image import repo_tags
from wherry.engine.images.resolve import check_platform
from wherry.oci.platform import Platform
from wherry.store.images import NoSuchImage, StoredImage, find_image, image_of_id, names_of
from wherry.store.layers import get_layer

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def image_history(
    engine: "Engine", name: str, *, platform: Platform | None = None
) -> list[dict[str, object]]:
    """The entries of GET /images/{name}/history, newest first; raises NoSuchImage."""
    image = find_image(engine.store.database.connection, name)
    check_platform(image, name, platform)
    return history_document(
        image.config,
        lambda chain_id: get_layer(engine.store, chain_id).size,
        list(_ancestors(engine, image)),
    )


def _ancestors(engine: "Engine", image: StoredImage) -> Iterator[tuple[str, list[str]]]:
    """ID and tags of the image, of its parent, and so on as far as they are here."""
    connection = engine.store.database.connection
    while True:
        yield str(image.id), repo_tags(names_of(connection, image.id))
        if image.parent_id is None:
            return
        try:
            image = image_of_id(connection, image.parent_id)
        except NoSuchImage:
            return
