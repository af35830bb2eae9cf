"""Which images `images --filter` and `image prune --filter` select.

Values of one key are alternatives, keys must all match, labels must all be there.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from wherry.errors import InvalidArgument
from wherry.oci.digest import Digest
from wherry.oci.reference import Reference
from wherry.oci.timestamps import InvalidTimestamp, parse_timestamp
from wherry.store.images import StoredImage, find_image

if TYPE_CHECKING:
    import sqlite3

Filters = Mapping[str, tuple[str, ...]]

LIST_KEYS = frozenset({"before", "dangling", "label", "reference", "since", "until"})
PRUNE_KEYS = frozenset({"dangling", "label", "label!", "until"})
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_UNIX = re.compile(r"\d+(\.\d+)?")
_DURATION = re.compile(r"((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+")
_TERM = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9}
_UNITS["h"] = 3600 * 10**9
_PIECE = re.compile(r"\*|\?|\[\^?(?:\\.|[^\]\\\[])+\]|\\.|[^\[\\]", re.DOTALL)
_LAYOUTS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y-%m-%d")


class InvalidFilter(InvalidArgument):
    def __init__(self, key: str, values: Iterable[str] | None = None) -> None:
        if values is None:
            super().__init__(f"invalid filter '{key}'")
        else:
            super().__init__(f"invalid filter '{key}=[{' '.join(values)}]'")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image with its names, as the filters look at it."""

    image: StoredImage
    names: list[Reference]

    @property
    def is_dangling(self) -> bool:
        return not self.names


Predicate = Callable[[Candidate], bool]


def check_keys(filters: Filters, known: frozenset[str]) -> None:
    """InvalidFilter for a key that is not known here."""
    for key in filters:
        if key not in known:
            raise InvalidFilter(key)


def dangling_wanted(filters: Filters) -> bool | None:
    """What the `dangling` filter asks for, or None if it is not given."""
    values = filters.get("dangling", ())
    if not values:
        return None
    if all(value in _TRUE for value in values):
        return True
    if all(value in _FALSE for value in values):
        return False
    raise InvalidFilter("dangling", values)


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
        predicates.append(lambda candidate: _has_labels(candidate.image, values))
    if absent := filters.get("label!", ()):
        predicates.append(lambda candidate: not _has_labels(candidate.image, absent))
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


def parse_moment(text: str) -> int:
    """Nanoseconds since 1970 of a time, a date, unix seconds, or a duration before now."""
    if _UNIX.fullmatch(text):
        return int(Decimal(text) * 10**9)
    if _DURATION.fullmatch(text):
        terms = _TERM.findall(text)
        return time.time_ns() - int(sum(Decimal(number) * _UNITS[unit] for number, unit in terms))
    try:
        return parse_timestamp(text)
    except InvalidTimestamp:
        return _local_moment(text)


def _local_moment(text: str) -> int:
    for layout in _LAYOUTS:
        try:
            moment = datetime.strptime(text, layout).astimezone()
        except ValueError:
            continue
        return int(moment.timestamp()) * 10**9
    raise InvalidArgument(f"failed to parse value as time or duration: {text!r}")


def _created_before(moment: int) -> Predicate:
    return lambda candidate: candidate.image.created_ns < moment


def _has_labels(image: StoredImage, wanted: tuple[str, ...]) -> bool:
    labels = image.config.config.labels
    for text in wanted:
        key, equals, value = text.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


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
