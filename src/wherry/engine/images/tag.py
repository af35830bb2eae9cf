"""Giving images names, keeping names where they are, and what they pointed at before."""

import time
from typing import TYPE_CHECKING

from wherry.errors import InvalidArgument
from wherry.oci.reference import InvalidReference, Reference
from wherry.store.images import (
    NoSuchImage,
    TagMove,
    find_image,
    moves_of_tag,
    set_locked,
    set_tag,
)

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class TagWithDigest(InvalidArgument):
    def __init__(self) -> None:
        super().__init__("refusing to create a tag with a digest reference")


class NoTag(InvalidArgument):
    def __init__(self, text: str, error: InvalidReference) -> None:
        super().__init__(
            f'Error parsing reference: "{text}" is not a valid repository/tag: {error.message}'
        )


def parse_tag(text: str) -> Reference:
    """The name with its tag, latest if none; InvalidReference or TagWithDigest."""
    name = Reference.parse(text)
    if name.digest is not None:
        raise TagWithDigest
    return name.with_default_tag()


def tag_image(engine: "Engine", source: str, target: str) -> None:
    """Make `target` a name of the image called `source`, moving it if it was another's."""
    try:
        name = parse_tag(target)
    except InvalidReference as error:
        raise NoTag(target, error) from error
    try:
        Reference.parse(source)
    except InvalidReference as error:
        if not source.removeprefix("sha256:").isalnum():  # else part of an ID
            raise NoTag(source, error) from error
    with engine.store.database.write() as connection:
        image = find_image(connection, source)
        set_tag(connection, name, image.id, time.time_ns(), "tag")
    engine.events.publish_image("tag", str(image.id), str(name), image.config.config.labels)


def lock_tag(engine: "Engine", name: str, *, locked: bool = True) -> Reference:
    """Let the tag stay on its image, whatever is loaded or tagged, or let it move again."""
    tag = parse_tag(name)
    with engine.store.database.write() as connection:
        set_locked(connection, tag, locked=locked)
    return tag


def tag_log(engine: "Engine", name: str) -> list[TagMove]:
    """What the tag has pointed at over time, oldest first; NoSuchImage if there was never one."""
    tag = parse_tag(name)
    moves = moves_of_tag(engine.store.database.connection, tag)
    if not moves:
        raise NoSuchImage(str(tag))
    return moves
