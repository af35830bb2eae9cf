"""D-Bus's values as bytes: "Type System" and "Marshaling" of its specification.

A signature is a string of types: `s` text, `b` a truth value, `u` and `t` numbers of 4 and 8 bytes,
`as` a list, `(sv)` a tuple, `v` a value that brings its own signature. Each is aligned to its size,
counted from the beginning of the message or body.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

Value: TypeAlias = "str | bool | int | float | bytes | list[Value] | tuple[Value, ...] | Variant"

_DEEPEST = 32  # what the specification allows
# Of each type of number the letter that `struct` has for it.
_NUMBERS = dict(zip("ybnqiuxtdh", "BIhHiIqQdI", strict=True))
_ALIGNMENT = {kind: struct.calcsize(code) for kind, code in _NUMBERS.items()}
_ALIGNMENT |= dict(zip("soagv({", (4, 4, 4, 1, 1, 8, 8), strict=True))


class Variant(NamedTuple):
    """A value together with its type."""

    signature: str
    value: Value


def packed(signature: str, values: tuple[Value, ...]) -> bytes:
    """`values`, one for each type of the signature, from an offset that is a multiple of 8."""
    out = bytearray()
    for kind, value in zip(types_of(signature), values, strict=True):
        _put(out, kind, value)
    return bytes(out)


def fits(signature: str, value: Value) -> bool:
    """Whether `value` can be of that single type."""
    try:
        packed(signature, (value,))
    except (struct.error, TypeError):
        return False
    return True


def unpacked(signature: str, data: bytes) -> list[Value]:
    """The values of a body; ValueError for what is not as its signature says."""
    reader = _Reader(data)
    try:
        return [reader.take(kind, 0) for kind in types_of(signature)]
    except (struct.error, IndexError, KeyError, UnicodeDecodeError) as error:
        raise ValueError("a D-Bus message that cannot be read") from error


def types_of(signature: str) -> Iterator[str]:
    """The single types of a signature, one after another."""
    at = 0
    while at < len(signature):
        end = _end_of_type(signature, at)
        yield signature[at:end]
        at = end


def _end_of_type(signature: str, at: int) -> int:
    while signature[at : at + 1] == "a":
        at += 1
    if signature[at : at + 1] not in ("(", "{"):
        return at + 1
    depth = 0
    for end in range(at, len(signature)):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(signature[end], 0)
        if depth == 0:
            return end + 1
    raise ValueError(f"{signature!r} is not a D-Bus signature")


def _put(out: bytearray, kind: str, value: Value) -> None:
    first = kind[0]
    out += bytes(-len(out) % _ALIGNMENT[first])
    if first in _NUMBERS:
        out += struct.pack(f"={_NUMBERS[first]}", value)
    elif isinstance(value, str):
        text = value.encode()
        out += bytes((len(text),)) if first == "g" else struct.pack("=I", len(text))
        out += text + b"\0"
    elif isinstance(value, Variant):
        _put(out, "g", value.signature)
        _put(out, value.signature, value.value)
    elif first == "a" and isinstance(value, list | bytes):
        length_at = len(out)
        out += bytes(4)
        out += bytes(-len(out) % _ALIGNMENT[kind[1]])
        begin = len(out)
        for item in value:
            _put(out, kind[1:], item)
        struct.pack_into("=I", out, length_at, len(out) - begin)
    elif isinstance(value, tuple):
        for inner, item in zip(types_of(kind[1:-1]), value, strict=True):
            _put(out, inner, item)
    else:
        raise TypeError(f"{value!r} is not of the D-Bus type {kind!r}")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, kind: str, depth: int) -> Value:
        first = kind[0]
        if depth > _DEEPEST:
            raise ValueError("a D-Bus message that is nested too deeply")
        self._align(_ALIGNMENT[first])
        if first in _NUMBERS:
            number: int | float = self._number(_NUMBERS[first])
            return bool(number) if first == "b" else number
        if first in "so":
            return self._text(int(self._number("I")))
        if first == "g":
            return self._text(int(self._number("B")))
        if first == "v":
            signature = self._text(int(self._number("B")))
            return Variant(signature, self.take(signature, depth + 1))
        if first != "a":
            if len(kind) < 3:
                raise ValueError("a D-Bus tuple of nothing")
            return tuple(self.take(inner, depth + 1) for inner in types_of(kind[1:-1]))
        length = int(self._number("I"))
        self._align(_ALIGNMENT[kind[1]])
        end = self._at + length
        if end > len(self._data):
            raise ValueError("a D-Bus array that is longer than its message")
        items: list[Value] = []
        while self._at < end:
            items.append(self.take(kind[1:], depth + 1))
        return items

    def _align(self, to: int) -> None:
        self._at += -self._at % to

    def _number(self, code: str) -> int | float:
        number: int | float
        (number,) = struct.unpack_from(f"={code}", self._data, self._at)
        self._at += struct.calcsize(code)
        return number

    def _text(self, length: int) -> str:
        text = self._data[self._at : self._at + length]
        if len(text) < length:
            raise ValueError("a D-Bus string that is longer than its message")
        self._at += length + 1
        return text.decode()
