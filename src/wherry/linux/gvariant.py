"""GVariant's text format, as far as properties of systemd's units are written in it.

    true   5   2.5   'text'   ['a', 'b']   uint64 5000000

https://docs.gtk.org/glib/gvariant-text-format.html
"""

import re

from wherry.linux.dbus_values import Value, Variant, fits

_TYPES = {
    "boolean": "b",
    "byte": "y",
    "int16": "n",
    "uint16": "q",
    "int32": "i",
    "uint32": "u",
    "int64": "x",
    "uint64": "t",
    "double": "d",
    "string": "s",
}
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
_STRING = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_STRINGS = re.compile(rf"\[\s*(?:{_STRING.pattern})(?:\s*,\s*(?:{_STRING.pattern}))*\s*\]")


def parse_value(text: str) -> Variant:
    """The value that `text` writes out, or ValueError."""
    kind, blank, rest = text.strip().partition(" ")
    if blank and kind in _TYPES:
        return _typed(_TYPES[kind], rest.strip())
    return _typed("", text.strip())


def _typed(kind: str, text: str) -> Variant:
    """A value of the type `kind`; without one its form tells, and a whole number has 32 bits."""
    found, value = _plain(text)
    if kind == "d" and isinstance(value, int):
        found, value = "d", float(value)
    elif kind and found == "i":
        found = kind
    if kind not in ("", found) or not fits(found, value):
        raise ValueError("not a value in GVariant's text format")
    return Variant(found, value)


def _plain(text: str) -> tuple[str, Value]:
    if text in ("true", "false"):
        return "b", text == "true"
    if number := _NUMBER.fullmatch(text):
        return ("d", float(text)) if number[1] else ("i", int(text))
    if _STRING.fullmatch(text):
        return "s", _unquoted(text)
    if _STRINGS.fullmatch(text):
        return "as", [_unquoted(word) for word in _STRING.findall(text)]
    raise ValueError("not a value in GVariant's text format")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
