"""The page on which endpoints of the Docker Engine API are answered, from the table of routes.

python -m wherry.testing.api_page > docs/reference/api.md
"""

import re
from collections.abc import Iterator
from pathlib import Path

from wherry.api.routes.table import all_routes, routes_of
from wherry.api.routing import PageNotFound, Route, Router
from wherry.api.versions import NEWEST, OLDEST

ENDPOINTS = Path(__file__).parents[3] / "tests" / "data" / "engine-api-1.50.txt"

_HEAD = f"""\
# The Docker Engine API

What `wherry serve` answers, against Docker's description of version {NEWEST}; versions from
{OLDEST} on are spoken.
Generated from the table of routes: `python -m wherry.testing.api_page > docs/reference/api.md`.

| endpoint | answer |
| --- | --- |
"""


def page() -> str:
    return _HEAD + "".join(f"{line}\n" for line in _rows())


def _rows() -> Iterator[str]:
    router = Router(routes_of)
    seen: set[Route] = set()
    for line in ENDPOINTS.read_text().splitlines():
        method, path = line.split()
        try:
            route, _ = router.find(method, re.sub(r"\{\w+\}", "x", path), NEWEST)
        except PageNotFound:
            yield f"| {method} `{path}` | 404: not there |"
            continue
        seen.add(route)
        yield f"| {method} `{path}` | {route.refusal or 'yes'} |"
    for route in all_routes():
        if route not in seen and not route.refusal:
            yield f"| {route.method} `{route.pattern}` | yes, though it is not in the description |"


if __name__ == "__main__":
    print(page(), end="")
