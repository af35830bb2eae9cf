"""Listing images, newest first, as `images` and GET /images/json do."""

from typing import TYPE_CHECKING

from wherry.engine.filters import Filters, check_keys, wanted_truth
from wherry.engine.images.filters import LIST_KEYS, Candidate, names_matching, predicate_of
from wherry.oci.reference import Reference
from wherry.store.images import StoredImage, all_names, images_with_children, list_images
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedImage:
    """An image with those of its names that were asked for: tags, then digests."""

    image: StoredImage
    names: tuple[Reference, ...]


def select_images(
    engine: "Engine", *, all_images: bool = False, filters: Filters | None = None
) -> list[ListedImage]:
    """The images that pass `filters`; those that are only a step to another with `all_images`."""
    filters = filters or {}
    check_keys(filters, LIST_KEYS)
    dangling = wanted_truth(filters, "dangling")
    patterns = filters.get("reference", ())
    connection = engine.store.database.connection
    passes = predicate_of(filters, connection)
    names = all_names(connection)
    parents = images_with_children(connection)
    listed = []
    for image in list_images(connection):
        own = names_matching(names.get(image.id, []), patterns)
        if not own:
            is_step = image.id in parents and (dangling or not all_images)
            if is_step or dangling is False or patterns:
                continue
        elif dangling and any(name.tag is not None for name in own):
            continue
        if passes(Candidate(image, own)):
            listed.append(ListedImage(image=image, names=tuple(own)))
    return listed
