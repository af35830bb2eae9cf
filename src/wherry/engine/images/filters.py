"""Which images `images --filter` and `image prune --filter` select.

Values of one key are alternatives, keys must all match, labels must all be there.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from wherry.engine.filters import Filters, InvalidFilter, has_labels, parse_moment
from wherry.oci.digest import Digest
from wherry.oci.reference import Reference
from wherry.store.images import StoredImage, find_image
from wherry.values import dataclass

if TYPE_CHECKING:
    import sqlite3

LIST_KEYS = frozenset({"before", "dangling", "label", "reference", "since", "until"})
PRUNE_KEYS = frozenset({"dangling", "label", "label!", "until"})
_PIECE = re.compile(r"\*|\?|\[\^?(?:\\.|[^\]\\\[])+\]|\\.|[^\[\\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image with its names, as the filters look at it."""

    image: StoredImage
    names: list[Reference]

    @property
    def is_dangling(self) -> bool:
        return not self.names


Predicate = Callable[[Candidate], bool]


def predicate_of(filters: Filters, connection: "sqlite3.Connection") -> Predicate:
    """Whether an image passes every filter but `dangling`, which each caller treats in its way."""
    predicates = [_created_before(parse_moment(value)) for value in filters.get("until", ())]
    if values := filters.get("before", ()):
        latest = max(find_image(connection, value).created_ns for value in values)
        predicates.append(_created_before(latest))
    if values := filters.get("since", ()):
        earliest = max(find_image(connection, value).created_ns for value in values)
        predicates.append(lambda candidate: candidate.image.created_ns > earliest)
    if values := filters.get("label", ()):
        predicates.append(
            lambda candidate: has_labels(candidate.image.config.config.labels, values)
        )
    if absent := filters.get("label!", ()):
        predicates.append(
            lambda candidate: not has_labels(candidate.image.config.config.labels, absent)
        )
    return lambda candidate: all(predicate(candidate) for predicate in predicates)


def names_matching(names: list[Reference], patterns: tuple[str, ...]) -> list[Reference]:
    """The names that any pattern of the `reference` filter matches, all if there is none."""
    if not patterns:
        return names
    return [name for name in names if any(matches(name, pattern) for pattern in patterns)]


def matches(name: Reference, pattern: str) -> bool:
    """Whether the familiar form, or the familiar name alone, fits: Go's path.Match."""
    expression = _path_pattern(pattern)
    return bool(expression.fullmatch(str(name)) or expression.fullmatch(name.familiar_name))


def _created_before(moment: int) -> Predicate:
    return lambda candidate: candidate.image.created_ns < moment


def _path_pattern(pattern: str) -> re.Pattern[str]:
    """Go's path.Match: * and ? stop at slashes, [^a-z] is a class, \\ escapes."""
    parts = []
    position = 0
    while position < len(pattern):
        piece = _PIECE.match(pattern, position)
        if piece is None:
            raise InvalidFilter("reference", (pattern,))
        parts.append(_translated(piece.group()))
        position = piece.end()
    try:
        return re.compile("".join(parts))
    except re.error:
        raise InvalidFilter("reference", (pattern,)) from None


def _translated(piece: str) -> str:
    if piece == "*":
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if piece.startswith("["):
        return piece
    return re.escape(piece.removeprefix("\\"))


def used_images(connection: "sqlite3.Connection") -> set[Digest]:
    """The images that a container, running or not, was made from."""
    rows = connection.execute("SELECT DISTINCT image_id FROM containers")
    return {Digest(row["image_id"]) for row in rows}
