"""POSIX extended headers: `<length> <key>=<value>\\n` records, pax(1)."""

from collections.abc import Iterable

Records = list[tuple[str, bytes]]

XATTR_PREFIX = "SCHILY.xattr."
# Values that end at a NUL for every C program, and so may not hold one.
_NAMES = frozenset(("path", "linkpath", "uname", "gname", "GNU.sparse.name"))


def parse_records(data: bytes) -> Records:
    """The records in order, repeated keys and all; ValueError when they are malformed."""
    records: Records = []
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 20)
        length = data[position:space]
        if space < 0 or not length.isdigit():
            raise ValueError("a record has no length")
        end = position + int(length)
        if end > len(data) or end <= space + 1 or data[end - 1] != 0x0A:
            raise ValueError("a record has a wrong length")
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not key or not equals or b"\0" in key:
            raise ValueError("a record has no key")
        name = key.decode("utf-8", "surrogateescape")
        if name in _NAMES and b"\0" in value:
            raise ValueError(f"{name} holds a NUL")
        records.append((name, value))
        position = end
    return records


def format_records(records: Iterable[tuple[str, bytes]]) -> bytes:
    """Records as they stand in an extended header, in order of their keys."""
    return b"".join(_format_record(key, value) for key, value in sorted(records))


def _format_record(key: str, value: bytes) -> bytes:
    rest = b" %s=%s\n" % (key.encode("utf-8", "surrogateescape"), value)
    length = len(rest)
    while len(text := b"%d" % length) + len(rest) != length:  # the length counts itself
        length = len(text) + len(rest)
    return text + rest


def parse_time(value: bytes) -> int:
    """Nanoseconds of `1350244992.023960108`, exactly; digits past the ninth are dropped."""
    whole, _, fraction = value.partition(b".")
    negative = whole.startswith(b"-")
    digits = whole[1:] if negative else whole
    if not digits.isdigit() or (fraction and not fraction.isdigit()) or len(digits) > 19:
        raise ValueError(f"{value!r} is no time")
    nanoseconds = int(digits) * 10**9 + int(fraction[:9].ljust(9, b"0") or b"0")
    return -nanoseconds if negative else nanoseconds


def format_time(nanoseconds: int) -> bytes:
    sign = b"-" if nanoseconds < 0 else b""
    seconds, fraction = divmod(abs(nanoseconds), 10**9)
    return b"%s%d.%09d" % (sign, seconds, fraction) if fraction else b"%s%d" % (sign, seconds)


def parse_decimal(value: bytes) -> int:
    """A size or an owner: not negative, at most 63 bits."""
    if not value.isdigit() or len(value) > 19 or (number := int(value)) >= 1 << 63:
        raise ValueError(f"{value[:30]!r} is no number")
    return number
