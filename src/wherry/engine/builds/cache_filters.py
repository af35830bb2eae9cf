"""`builder du --filter` and `builder prune --filter`: KEY=VALUE, KEY!=VALUE, KEY~=EXPRESSION.

until, unused-for     a duration or a moment: what was not used since then
id                    how an ID begins
parents               the ID of what a record's layer lies on
description, type     as `du --verbose` prints them
mutable, immutable    whether it is a folder that builds write to
shared, private       whether an image has part in it
inuse                 nothing that a build has in hand is listed as such: it is never pruned

All must hold; of several values of one key, with the same operator, any.
"""

import re
from collections.abc import Callable, Iterable

from wherry.engine.builds.usage import CacheEntry
from wherry.engine.filters import Filters, check_keys, parse_moment, wanted_truth
from wherry.errors import InvalidArgument

_MOMENTS = ("until", "unused-for")
_TRUTHS: dict[str, Callable[[CacheEntry], bool]] = {
    "mutable": lambda entry: entry.folder is not None,
    "immutable": lambda entry: entry.folder is None,
    "shared": lambda entry: entry.shared,
    "private": lambda entry: not entry.shared,
    "inuse": lambda _entry: False,
}
_TEXTS: dict[str, Callable[[CacheEntry], Iterable[str]]] = {
    "id": lambda entry: (entry.id,),
    "parents": lambda entry: entry.parents,
    "description": lambda entry: (entry.description,),
    "type": lambda entry: (entry.kind,),
}
_KEYS = frozenset((*_MOMENTS, *_TRUTHS, *_TEXTS, *(f"{key}{op}" for key in _TEXTS for op in "!~")))

Test = Callable[[CacheEntry], bool]


class InvalidExpression(InvalidArgument):
    def __init__(self, text: str, error: re.error) -> None:
        super().__init__(f"invalid filter: error parsing regexp: {error}: `{text}`")


def entry_filter(filters: Filters) -> Test:
    """Whether an entry passes all of them. InvalidFilter, InvalidExpression."""
    check_keys(filters, _KEYS)
    tests: list[Test] = []
    for key in _MOMENTS:
        tests += [_unused_since(parse_moment(value)) for value in filters.get(key, ())]
    for key, is_so in _TRUTHS.items():
        wanted = wanted_truth(filters, key)
        if wanted is not None:
            tests.append(_is(is_so, wanted))
    for key, texts in _TEXTS.items():
        equals = _begins if key == "id" else str.__eq__
        if values := filters.get(key, ()):
            tests.append(_any(texts, [_equal(equals, value) for value in values]))
        if values := filters.get(f"{key}!", ()):
            tests += [_not(_any(texts, [_equal(equals, value)])) for value in values]
        if values := filters.get(f"{key}~", ()):
            tests.append(_any(texts, [_matching(value) for value in values]))
    return lambda entry: all(test(entry) for test in tests)


def _unused_since(moment: int) -> Test:
    return lambda entry: entry.used_ns < moment


def _is(test: Test, wanted: bool) -> Test:
    return lambda entry: test(entry) is wanted


def _not(test: Test) -> Test:
    return lambda entry: not test(entry)


def _any(texts: Callable[[CacheEntry], Iterable[str]], tests: list[Callable[[str], bool]]) -> Test:
    return lambda entry: any(test(text) for text in texts(entry) for test in tests)


def _equal(equals: Callable[[str, str], bool], value: str) -> Callable[[str], bool]:
    return lambda text: equals(text, value)


def _begins(text: str, value: str) -> bool:
    return text.startswith(value)


def _matching(value: str) -> Callable[[str], bool]:
    try:
        expression = re.compile(value)
    except re.error as error:
        raise InvalidExpression(value, error) from error
    return lambda text: expression.search(text) is not None
