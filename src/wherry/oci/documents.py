"""JSON documents as bytes: reading them within bounds, writing them as Go does.

What is read here comes from archives and registries. A document is bounded in size and in
depth before anything walks it: Python's reader and every walk after it recurse.
"""

import json
import re

from wherry.oci.codec import MAXIMUM_DEPTH, InvalidDocument

MAXIMUM_SIZE = 16 << 20  # no configuration or index of a real image comes near it

# An unterminated string is eaten to the end; possessive, so that no text makes it backtrack.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def load_document(data: bytes, kind: str) -> object:
    """The JSON value in `data`, or InvalidDocument; `kind` names the document in the error."""
    if len(data) > MAXIMUM_SIZE:
        raise InvalidDocument(kind, [("", f"is larger than {MAXIMUM_SIZE} bytes")])
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InvalidDocument(kind, [("", f"is not UTF-8 at byte {error.start}")]) from None
    if _depth(text) > MAXIMUM_DEPTH:
        raise InvalidDocument(kind, [("", f"is nested deeper than {MAXIMUM_DEPTH} levels")])
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise InvalidDocument(kind, [("", f"is not JSON: {error}")]) from None
    if "\\ud" in text or "\\uD" in text:
        # Half a surrogate pair is legal JSON but no text that could be written again.
        return json.loads(_without_lone_surrogates(value))
    return value


def dump_document(value: object) -> bytes:
    """`value` as compact UTF-8 JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def require_schema_version(found: int, kind: str) -> None:
    """InvalidDocument unless the document is of the one version that is read."""
    if found != 2:
        raise InvalidDocument(kind, [("schemaVersion", f"{found} is not supported, only 2")])


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= MAXIMUM_DEPTH:
        return 0
    deepest = depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAXIMUM_DEPTH:
            return depth
        deepest = max(deepest, depth)
    return deepest


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON value")


def _without_lone_surrogates(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
