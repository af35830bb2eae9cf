"""What every noun's --filter has in common: keys, truth, labels and moments.

Values of one key are alternatives, keys must all match, labels must all be there.
"""

import re
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from wherry.errors import InvalidArgument
from wherry.oci.timestamps import InvalidTimestamp, parse_timestamp

Filters = Mapping[str, tuple[str, ...]]

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_UNIX = re.compile(r"\d+(\.\d+)?")
_DURATION = re.compile(r"((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+")
_TERM = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9}
_UNITS["h"] = 3600 * 10**9
_LAYOUTS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y-%m-%d")


class InvalidFilter(InvalidArgument):
    def __init__(self, key: str, values: Iterable[str] | None = None) -> None:
        if values is None:
            super().__init__(f"invalid filter '{key}'")
        else:
            super().__init__(f"invalid filter '{key}=[{' '.join(values)}]'")


def check_keys(filters: Filters, known: frozenset[str]) -> None:
    """InvalidFilter for a key that is not known here."""
    for key in filters:
        if key not in known:
            raise InvalidFilter(key)


def wanted_truth(filters: Filters, key: str) -> bool | None:
    """What a filter such as `dangling` asks for, or None if it is not given."""
    values = filters.get(key, ())
    if not values:
        return None
    if all(value in _TRUE for value in values):
        return True
    if all(value in _FALSE for value in values):
        return False
    raise InvalidFilter(key, values)


def matches(filters: Filters, key: str, text: str) -> bool:
    """Whether `text` is, or has a match of, one of the values; anything is if there are none."""
    values = filters.get(key, ())
    return not values or text in values or any(_has_match(value, text) for value in values)


def _has_match(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def has_labels(labels: Mapping[str, str], wanted: Iterable[str]) -> bool:
    """Whether each of `wanted`, a key or key=value, is among `labels`."""
    for text in wanted:
        key, equals, value = text.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


def passes_label_filters(labels: Mapping[str, str], filters: Filters) -> bool:
    """Whether an object with `labels` passes the filters `label` and `label!`."""
    absent = filters.get("label!", ())
    return has_labels(labels, filters.get("label", ())) and not (
        absent and has_labels(labels, absent)
    )


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
    raise InvalidArgument(f'failed to parse value as time or duration: "{text}"')
