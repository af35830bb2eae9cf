"""Searching a registry, with Docker's filters."""

from wherry.engine.filters import Filters, InvalidFilter
from wherry.engine.images.sessions import registry_session
from wherry.errors import InvalidArgument
from wherry.oci.reference import DEFAULT_DOMAIN
from wherry.registry.credentials import Credential
from wherry.registry.search import SearchResult, search_registry

DEFAULT_LIMIT = 25
MOST = 100
_KEYS = frozenset({"is-automated", "is-official", "stars"})


class LimitOutOfRange(InvalidArgument):
    def __init__(self, limit: int) -> None:
        super().__init__(f"Limit {limit} is outside the range of [1, {MOST}]")


class UnknownFilter(InvalidArgument):
    def __init__(self, key: str) -> None:
        super().__init__(f"Invalid filter '{key}'")


class InvalidStars(InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"Invalid filter 'stars={text}'")


def search_images(
    term: str,
    *,
    filters: Filters | None = None,
    limit: int = 0,
    credential: Credential | None = None,
) -> list[SearchResult]:
    """Repositories that fit `term`, which may begin with a registry's name; in its order.

    `credential` stands in for the user's own.
    """
    chosen = filters or {}
    if not 0 <= limit <= MOST:
        raise LimitOutOfRange(limit)
    if unknown := sorted(set(chosen) - _KEYS):
        raise UnknownFilter(unknown[0])
    official = _truth(chosen, "is-official")
    automated = _truth(chosen, "is-automated")
    stars = max((_number(value) for value in chosen.get("stars", ())), default=0)
    domain, word = _split(term)
    with registry_session(credential=credential) as session:
        found = search_registry(session, domain, word, limit or DEFAULT_LIMIT)
    return [
        result
        for result in found
        if official in (None, result.is_official)
        and automated in (None, result.is_automated)
        and result.stars >= stars
    ]


def _split(term: str) -> tuple[str, str]:
    first, slash, rest = term.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return (DEFAULT_DOMAIN if first in ("docker.io", "index.docker.io") else first), rest
    return DEFAULT_DOMAIN, term


def _truth(filters: Filters, key: str) -> bool | None:
    words = {"1": True, "true": True, "0": False, "false": False}
    values = filters.get(key, ())
    if any(value not in words for value in values):
        raise InvalidFilter(key, values)
    return words[values[-1]] if values else None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidStars(text)
    return int(text)
