"""The WWW-Authenticate header: which proof a server asks for, RFC 9110 section 11.6.1.

Bearer realm="https://auth.example/token",service="registry",scope="repository:a:pull"
Basic realm="registry"
"""

import re
from collections.abc import Iterable, Mapping

from wherry.values import dataclass

_LONGEST = 8192
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_SCHEME = re.compile(rf"\s*({_TOKEN})(?=\s|$)\s*")
_PARAMETER = re.compile(rf'[\s,]*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))')


@dataclass(frozen=True, kw_only=True, slots=True)
class Challenge:
    """`scheme` and the parameters' names are in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """The challenges in all headers of an answer; what cannot be read is left out."""
    found: list[Challenge] = []
    for header in headers:
        text = header[:_LONGEST]
        at = 0
        while (scheme := _SCHEME.match(text, at)) is not None:
            at = scheme.end()
            parameters: dict[str, str] = {}
            while (match := _PARAMETER.match(text, at)) is not None:
                name, quoted, plain = match.groups()
                value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
                parameters[name.lower()] = value
                at = match.end()
            found.append(Challenge(scheme=scheme[1].lower(), parameters=parameters))
            comma = re.compile(r"\s*,").match(text, at)
            at = comma.end() if comma else at
    return found
