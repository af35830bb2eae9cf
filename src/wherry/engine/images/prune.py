"""Removing the images that nobody needs: those without a name, or all without a container."""

from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.engine.filters import Filters, check_keys, wanted_truth
from wherry.engine.images.filters import PRUNE_KEYS, Candidate, predicate_of
from wherry.engine.images.remove import Removal, remove_image
from wherry.errors import Conflict
from wherry.oci.digest import ChainID
from wherry.store.images import NoSuchImage, all_names, images_with_children, list_images
from wherry.store.layers import list_layers
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunedImages:
    removals: tuple[Removal, ...]
    space_reclaimed: int  # bytes


def prune_images(engine: "Engine", filters: Filters | None = None) -> PrunedImages:
    """Remove images without a tag, with the filter `dangling=false` all that no container has."""
    filters = filters or {}
    check_keys(filters, PRUNE_KEYS)
    dangling_only = wanted_truth(filters, "dangling") is not False
    connection = engine.store.database.connection
    passes = predicate_of(filters, connection)
    sizes = {layer.chain_id: layer.size for layer in list_layers(engine.store)}
    names = all_names(connection)
    parents = images_with_children(connection)
    removals: list[Removal] = []
    for image in list(list_images(connection)):
        own = names.get(image.id, [])
        if (not own and image.id in parents) or not passes(Candidate(image, own)):
            continue
        if dangling_only and any(name.tag is not None for name in own):
            continue
        for name in map(str, own) if own else (str(image.id),):
            with suppress(Conflict, NoSuchImage):  # in use, locked, or gone since we looked
                removals += remove_image(engine, name)
    space = sum(
        sizes.get(removal.deleted, 0)
        for removal in removals
        if isinstance(removal.deleted, ChainID)
    )
    engine.events.publish("image", "prune", "", {"reclaimed": str(space)})
    return PrunedImages(removals=tuple(removals), space_reclaimed=space)
