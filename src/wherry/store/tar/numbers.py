"""Numbers in headers: octal text, and GNU's base-256 for those that are too large or negative."""

from zlib import adler32

_PRIME = 65521  # adler-32 sums modulo this
_SPACES = 8 * 0x20


def parse_number(field: bytes) -> int:
    """The value of a numeric field; ValueError if it is none."""
    if field[0] & 0x80:
        return _parse_base256(field)
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if not digits.isdigit():  # int() would also take signs and underscores
        digits, _, _ = digits.partition(b"\0")
        if not digits.isdigit():
            raise ValueError(f"{field!r} is no number")
    return int(digits, 8)


def _parse_base256(field: bytes) -> int:
    # The top bit marks the encoding; what follows is a signed big-endian number.
    value = int.from_bytes(field, "big") & ~(0x80 << 8 * (len(field) - 1))
    if field[0] & 0x40:
        value -= 0x80 << 8 * (len(field) - 1)
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError("number takes more than 64 bits")
    return value


def format_octal(value: int, width: int) -> bytes:
    """`value` in `width` bytes, the last one a NUL; it must fit."""
    return b"%0*o\0" % (width - 1, value)


def fits_octal(value: int, width: int) -> bool:
    return 0 <= value < 1 << 3 * (width - 1)


def checksum_matches(block: bytes) -> bool:
    """Whether the header's checksum is right, by either of the two ways it is computed."""
    try:
        stored = parse_number(block[148:156])
    except ValueError:
        return False
    # The low half of adler-32 is one more than the sum of all bytes: a sum in C, not in Python.
    if adler32(block) & 0xFFFF == (1 + stored + sum(block[148:156]) - _SPACES) % _PRIME:
        return True
    return stored == _signed_sum(block)


def byte_sum(block: bytes) -> int:
    """The sum of a header's bytes, its checksum field taken as spaces."""
    return sum(block[:148]) + sum(block[156:]) + _SPACES


def _signed_sum(block: bytes) -> int:
    # Some ancient programs summed C's `char`.
    others = block[:148] + block[156:]
    return byte_sum(block) - 256 * sum(byte > 0x7F for byte in others)
