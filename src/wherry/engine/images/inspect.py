"""Docker's document of one image."""

from typing import TYPE_CHECKING

from wherry.engine.documents.image import image_document
from wherry.engine.images.resolve import check_platform
from wherry.oci.platform import Platform
from wherry.store.images import find_image, last_tagged_ns, layers_of, names_of
from wherry.store.layers import diff_folder, get_layer

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def inspect_image(
    engine: "Engine", name: str, *, platform: Platform | None = None
) -> dict[str, object]:
    """ImageInspect of the image called `name`; raises NoSuchImage, WrongPlatform."""
    connection = engine.store.database.connection
    image = find_image(connection, name)
    check_platform(image, name, platform)
    layers = [get_layer(engine.store, chain_id) for chain_id in layers_of(connection, image.id)]
    return image_document(
        image,
        names_of(connection, image.id),
        last_tagged_ns(connection, image.id),
        [str(diff_folder(engine.store, layer)) for layer in layers],
    )
