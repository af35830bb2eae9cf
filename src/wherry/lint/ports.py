"""What EXPOSE names: a port, a range of them, perhaps with a protocol.

The parser takes any word, since it may hold a variable; the build refuses what is no port.
"""

from wherry.dockerfile.errors import Problem
from wherry.dockerfile.instructions import Expose
from wherry.dockerfile.source import Span
from wherry.lazy import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_UNKNOWN = frozenset("$\"'\\`")  # variables, and quotes that the builder takes away
# What stands in front of a colon is where it would be published: no business of an image.
_PORTS = regex(r"(?:[^/]*:)?[0-9]+(?:-[0-9]+)?")
_PROTOCOL = regex(r"(?i)(?:/(?:tcp|udp|sctp))?")


def refused_ports(expose: Expose) -> "Iterator[Problem]":
    """The words for which a build fails, in its words."""
    for word in expose.ports:
        if not _UNKNOWN.isdisjoint(word.text):
            continue
        number, _, protocol = word.text.partition("/")
        ports = _PORTS.match(number)
        end = ports.end() if ports else 0
        if end < len(number) or not ports:
            message = f"invalid containerPort: {number}"
        elif not _PROTOCOL.fullmatch(word.text, end):
            message = f"invalid proto: {protocol.lower()}"
        else:
            continue
        yield Problem(message, Span(word.span.start + end, word.span.end), prefixed=False)
