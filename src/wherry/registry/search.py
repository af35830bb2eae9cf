"""Searching a registry for repositories: `/v1/search`, which Docker Hub has kept.

A registry without it is asked for its catalog, and names are compared here.
"""

import json
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlencode

from wherry.errors import Unsupported
from wherry.oci.reference import DEFAULT_DOMAIN
from wherry.registry.errors import InvalidAnswer, printable, refusal_of
from wherry.registry.session import Session
from wherry.registry.transport import Request
from wherry.values import dataclass

_HUB_INDEX = "https://index.docker.io"
_CATALOG_PAGE = 1000
_SCOPE = "registry:catalog:*"


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    name: str
    description: str = ""
    stars: int = 0
    is_official: bool = False
    is_automated: bool = False


class CannotBeSearched(Unsupported):
    def __init__(self, domain: str) -> None:
        text = f"registry {domain} cannot be searched: it has no /v1/search and shows no catalog"
        super().__init__(text)


def search_registry(session: Session, domain: str, term: str, limit: int) -> list[SearchResult]:
    """At most `limit` repositories that fit `term`, in the registry's order."""
    query = urlencode({"q": term, "n": limit})
    if domain == DEFAULT_DOMAIN:
        # Docker's name for its own images is not part of what is searched for.
        query = urlencode({"q": term.removeprefix("library/"), "n": limit})
        answer = session.transport.send(
            Request(method="GET", url=f"{_HUB_INDEX}/v1/search?{query}")
        )
    else:
        endpoint = session.settings.endpoints(domain, with_mirrors=False)[-1]
        connected = session.connect(endpoint, domain)
        url = f"{connected.base}/v1/search?{query}"
        request = Request(method="GET", url=url, verify=connected.verify)
        answer = session.send(connected, request, ())
        if answer.status == HTTPStatus.NOT_FOUND:
            answer.close()
            request = Request(
                method="GET",
                url=f"{connected.base}/v2/_catalog?n={_CATALOG_PAGE}",
                verify=connected.verify,
            )
            answer = session.send(connected, request, (_SCOPE,))
            if answer.status != HTTPStatus.OK:
                answer.close()
                raise CannotBeSearched(domain)
            names = _strings(_document(answer.read()).get("repositories"))
            return [SearchResult(name=name) for name in names if term in name][:limit]
    if answer.status != HTTPStatus.OK:
        raise refusal_of(answer.status, answer.error_text())
    return list(_results(_document(answer.read())))[:limit]


def _document(data: bytes) -> dict[str, object]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidAnswer("the registry's answer to a search is no JSON object")
    return document


def _results(document: dict[str, object]) -> Iterator[SearchResult]:
    found = document.get("results")
    for entry in found if isinstance(found, list) else ():
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            continue
        stars = entry.get("star_count")
        yield SearchResult(
            name=printable(entry["name"]),
            description=printable(str(entry.get("description") or "")),
            stars=stars if isinstance(stars, int) else 0,
            is_official=entry.get("is_official") is True,
            is_automated=entry.get("is_automated") is True,
        )


def _strings(value: object) -> list[str]:
    found = value if isinstance(value, list) else []
    return [printable(item) for item in found if isinstance(item, str)]
