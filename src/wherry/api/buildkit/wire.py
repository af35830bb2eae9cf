"""Protocol Buffers, as far as BuildKit's messages use them: values to bytes and back.

A message is a frozen value; its codec says which field has which number and kind. Fields that have
their default are not written; unknown ones are passed over, as the format asks of readers.

    STAT = Codec(Stat, path=(1, TEXT), mode=(2, NUMBER))
    STAT.decode(STAT.encode(Stat(path="a", mode=0o644)))

This small, instead of the `protobuf` runtime: that is 4 MB, takes longer to import than the rest
of the service together, and its generated classes are no values and have no types.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from wherry.errors import InvalidArgument
from wherry.values import dataclass, fields

T = TypeVar("T")

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_BITS64 = (1 << 64) - 1
_SIGN64 = 1 << 63
_LONGEST_VARINT = 10


class InvalidMessage(InvalidArgument):
    def __init__(self, problem: str) -> None:
        super().__init__(f"invalid protobuf message: {problem}")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field holds. Values are of whatever type the field of the message has."""

    wire_type: int
    write: Callable[[Any], bytes]
    """The value without its key; of _BYTES without its length."""
    read: Callable[[Any], Any]
    """From an integer (_VARINT) or bytes (_BYTES)."""
    repeated: bool = False
    is_map: bool = False


def write_varint(value: int) -> bytes:
    """A number of 64 bits; a negative one as its two's complement."""
    value &= _BITS64
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, not negative, and the place behind it."""
    value = 0
    for number, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * number
        if byte < 0x80:
            return value & _BITS64, at + number + 1
    raise InvalidMessage("a number does not end")


def _signed(value: int) -> int:
    return value - (_BITS64 + 1) if value & _SIGN64 else value


def _to_text(data: bytes) -> str:
    # Names of files need not be UTF-8.
    return data.decode("utf-8", "surrogateescape")


def _from_text(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


NUMBER = Kind(_VARINT, write_varint, _signed)
FLAG = Kind(_VARINT, lambda value: b"\1" if value else b"\0", bool)
TEXT = Kind(_BYTES, _from_text, _to_text)
RAW = Kind(_BYTES, bytes, bytes)


def many(kind: Kind) -> Kind:
    """A tuple of values."""
    return Kind(kind.wire_type, kind.write, kind.read, repeated=True)


def mapping(kind: Kind) -> Kind:
    """A dict from strings to values."""

    def write(item: tuple[str, object]) -> bytes:
        return _field(1, TEXT, item[0]) + _field(2, kind, item[1])

    def read(data: bytes) -> tuple[str, object]:
        name, value = "", kind.read(0 if kind.wire_type == _VARINT else b"")
        for number, wire_type, found in _fields(data):
            if number == 1 and wire_type == _BYTES:
                name = _to_text(found)
            elif number == 2 and wire_type == kind.wire_type:
                value = kind.read(found)
        return name, value

    return Kind(_BYTES, write, read, repeated=True, is_map=True)


class Codec(Generic[T]):
    """Writes and reads messages of one type. A field that has no number is not on the wire."""

    def __init__(self, make: Callable[..., T], **numbers: tuple[int, Kind]) -> None:
        self._make = make
        self._slots = [(name, number, kind) for name, (number, kind) in numbers.items()]
        self._by_number = {number: (name, kind) for name, number, kind in self._slots}
        assert isinstance(make, type)
        known = {each.name for each in fields(make)}
        assert numbers.keys() <= known, numbers.keys() - known

    def encode(self, message: T) -> bytes:
        out = []
        for name, number, kind in self._slots:
            value = getattr(message, name)
            if kind.is_map:
                out += [_field(number, kind, item) for item in value.items()]
            elif kind.repeated:
                out += [_field(number, kind, item) for item in value]
            elif value:  # what is 0, empty or None is the default
                out.append(_field(number, kind, value))
        return b"".join(out)

    def decode(self, data: bytes) -> T:
        """Raises InvalidMessage."""
        values: dict[str, Any] = {}
        for number, wire_type, found in _fields(data):
            slot = self._by_number.get(number)
            if slot is None:
                continue
            name, kind = slot
            if wire_type != kind.wire_type:
                raise InvalidMessage(f"{name} has the wire type {wire_type}")
            value = kind.read(found)
            if kind.is_map:
                values.setdefault(name, {})[value[0]] = value[1]
            elif kind.repeated:
                values.setdefault(name, []).append(value)
            else:
                values[name] = value
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(value)
        return self._make(**values)

    @property
    def kind(self) -> Kind:
        """A field that holds such a message, or None."""
        return Kind(_BYTES, self.encode, self.decode)


def _field(number: int, kind: Kind, value: object) -> bytes:
    data = kind.write(value)
    key = write_varint(number << 3 | kind.wire_type)
    if kind.wire_type == _VARINT:
        return key + data
    return key + write_varint(len(data)) + data


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """Number, wire type and content of every field; what no message here has comes as bytes."""
    at, end = 0, len(data)
    while at < end:
        key, at = read_varint(data, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, at = read_varint(data, at)
            yield number, wire_type, value
            continue
        if wire_type == _BYTES:
            length, at = read_varint(data, at)
        elif wire_type in (_FIXED64, _FIXED32):
            length = 8 if wire_type == _FIXED64 else 4
        else:
            raise InvalidMessage(f"unknown wire type {wire_type}")
        if length > end - at:
            raise InvalidMessage("it ends within a field")
        yield number, wire_type, data[at : at + length]
        at += length


Texts = Mapping[str, str]
