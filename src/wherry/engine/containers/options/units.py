"""Sizes, durations and counts as Docker's flags write them, with Go's words for what is wrong."""

from wherry.go_text import quoted

_BINARY = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_DURATION_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, micro sign
    "μs": 1_000,  # U+03BC, Greek letter mu
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_INT64_MAX = (1 << 63) - 1


def parse_size(text: str) -> int:
    """Bytes of `64m`, `1.5GiB`, `100`: every unit is binary. ValueError with Docker's words."""
    split = max((text.rfind(character) for character in "0123456789. "), default=-1)
    if split < 0:
        raise ValueError(f"invalid size: '{text}'")
    number = text[:split] if text[split] == " " else text[: split + 1]
    suffix = text[split + 1 :].lower()
    size = _parse_float(number)
    if size < 0:
        raise ValueError(f"invalid size: '{text}'")
    if suffix in ("", "b"):
        return int(size)
    if suffix[0] not in _BINARY or suffix[1:] not in ("", "b", "ib"):
        raise ValueError(f"invalid suffix: '{suffix if len(suffix) <= 3 else text[split + 1 :]}'")
    return int(size * _BINARY[suffix[0]])


def _parse_float(text: str) -> float:
    try:
        # Python also takes blanks, underscores, nan and inf; no size is written so.
        if not text.strip("+-.0123456789eE"):
            return float(text)
    except ValueError:
        pass
    raise ValueError(f"strconv.ParseFloat: parsing {quoted(text)}: invalid syntax")


def parse_swap_size(text: str) -> int:
    """Bytes, or -1 for no limit."""
    return -1 if text == "-1" else parse_size(text)


def parse_duration(text: str) -> int:
    """Nanoseconds of Go's `1h2m3.5s`, `500ms`, `0`. ValueError with Go's words."""
    rest = text.lstrip("+-") if text[:1] in "+-" and len(text) > 1 else text
    if rest == "0":
        return 0
    if not rest or len(text) - len(rest) > 1:
        raise ValueError(f"time: invalid duration {quoted(text)}")
    from fractions import Fraction  # 6 ms that few options are worth

    total = Fraction(0)
    while rest:
        number = _leading(rest, "0123456789.")
        rest = rest[len(number) :]
        if not number.strip(".") or number.count(".") > 1:
            raise ValueError(f"time: invalid duration {quoted(text)}")
        unit = rest[: next((i for i, c in enumerate(rest) if c in "0123456789."), len(rest))]
        if not unit:
            raise ValueError(f"time: missing unit in duration {quoted(text)}")
        if unit not in _DURATION_UNITS:
            raise ValueError(f"time: unknown unit {quoted(unit)} in duration {quoted(text)}")
        rest = rest[len(unit) :]
        total += (
            Fraction(number if not number.endswith(".") else number + "0") * _DURATION_UNITS[unit]
        )
    if total > _INT64_MAX:
        raise ValueError(f"time: invalid duration {quoted(text)}")
    return -int(total) if text.startswith("-") else int(total)


def _leading(text: str, characters: str) -> str:
    return text[: len(text) - len(text.lstrip(characters))]


def parse_cpus(text: str) -> int:
    """Billionths of a CPU of `1.5`. ValueError with Docker's words."""
    from fractions import Fraction

    try:
        # Go takes neither the blanks nor the underscores that Python does.
        plain = text if not text.strip("+-.0123456789eE/") else ""
        nano = Fraction(plain) * 1_000_000_000
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"failed to parse {text} as a rational number") from None
    if nano.denominator != 1:
        raise ValueError("value is too precise")
    return int(nano)


def parse_integer(text: str, bits: int = 64) -> int:
    """A whole number in Go's base-0 notation: `10`, `0x1f`, `0o17`, `017`."""
    digits = text.lstrip("+-") if text[:1] in ("+", "-") else text
    try:
        value = int(text, 8) if len(digits) > 1 and digits.isdigit() and digits[0] == "0" else None
        if value is None:
            value = int(text, 0) if text == text.strip() else int("")
    except ValueError:
        raise ValueError(f"strconv.ParseInt: parsing {quoted(text)}: invalid syntax") from None
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise ValueError(f"strconv.ParseInt: parsing {quoted(text)}: value out of range")
    return value


def parse_unsigned(text: str, bits: int = 64, base: int = 10) -> int:
    """A whole number of decimal (or `base`) digits alone."""
    digits = "0123456789"[:base]
    if not text or text.strip(digits):
        raise ValueError(f"strconv.ParseUint: parsing {quoted(text)}: invalid syntax")
    value = int(text, base)
    if value >= 1 << bits:
        raise ValueError(f"strconv.ParseUint: parsing {quoted(text)}: value out of range")
    return value


def parse_boolean(text: str) -> bool:
    """Go's true and false: 1, t, T, TRUE, true, True and their opposites."""
    if text in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    if text in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    raise ValueError(f"strconv.ParseBool: parsing {quoted(text)}: invalid syntax")
