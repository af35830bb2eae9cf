"""Routes: which function answers which method and path.

`{name}` in a pattern stands for one part of a path, `{name*}` for any number of them: names of
images have slashes. The longest text outside braces wins: `/images/json` is no image's name.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from wherry.api import web
from wherry.api.versions import OLDEST, Version, check_spoken, parse_version
from wherry.errors import NotFound, WherryError
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.api.call import Call

Handler = Callable[["Call"], Awaitable[web.StreamResponse]]
_NAME = re.compile(r"\\\{(\w+)(\\\*)?\\\}")


class PageNotFound(NotFound):
    """An unknown path, or a known one with another method: Docker does not tell them apart."""

    def __init__(self) -> None:
        super().__init__("page not found")


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    pattern: str
    handler: Handler
    since: str = ""  # the version of the API that brought it
    oldest: Version = OLDEST  # the oldest version that is spoken here
    refusal: str = ""  # why it always answers with an error

    @property
    def expression(self) -> re.Pattern[str]:
        return re.compile(_NAME.sub(_group, re.escape(self.pattern)))

    def is_in(self, version: Version) -> bool:
        return not self.since or version >= parse_version(self.since)


def refusing(method: str, pattern: str, kind: type[WherryError], reason: str) -> Route:
    """A route of Docker's that this engine has nothing behind; it says so in a line."""

    async def refuse(_call: "Call") -> web.StreamResponse:
        raise kind(reason)

    return Route(method, pattern, refuse, refusal=f"{kind.http_status}: {reason.split('. ')[0]}")


def _group(found: re.Match[str]) -> str:
    return f"(?P<{found.group(1)}>{'.+?' if found.group(2) else '[^/]+'})"


class Router:
    """`routes_of` gives the routes whose paths begin with a word."""

    def __init__(self, routes_of: Callable[[str], Iterable[Route]]) -> None:
        self._routes_of = routes_of
        self._known: dict[str, list[tuple[Route, re.Pattern[str]]]] = {}

    def find(self, method: str, path: str, version: Version) -> tuple[Route, dict[str, str]]:
        """The route and the names in its path; `path` is still percent-encoded."""
        for route, expression in self._candidates(path):
            if method != route.method:
                continue
            found = expression.fullmatch(path)
            if found is not None and route.is_in(max(version, OLDEST)):
                check_spoken(version, route.oldest)
                return route, {key: unquote(value) for key, value in found.groupdict().items()}
        raise PageNotFound

    def _candidates(self, path: str) -> list[tuple[Route, re.Pattern[str]]]:
        _, _, rest = path.partition("/")
        word, _, _ = rest.partition("/")
        known = self._known.get(word)
        if known is None:
            known = [
                (route, route.expression) for route in sorted(self._routes_of(word), key=_rank)
            ]
            if known:  # what a client makes up is not kept
                self._known[word] = known
        return known


def _rank(route: Route) -> int:
    return -len(_NAME.sub("", re.escape(route.pattern)))
