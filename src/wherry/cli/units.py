"""Sizes, ages and numbers as Docker's command line reads and writes them."""

from wherry.go_text import quoted

DECIMAL_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")

_BINARY_FACTORS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_DURATION_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, the micro sign
    "μs": 1_000,  # U+03BC, the Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60 * 1_000_000_000,
    "h": 3600 * 1_000_000_000,
}
_DIGITS = "0123456789"
_HOUR = 3600
_LARGEST = (1 << 63) - 1


def human_size(size: float, precision: int = 4) -> str:
    """`size` bytes in decimal units: 1990000 is 1.99MB."""
    return _scaled(size, 1000.0, DECIMAL_UNITS, precision)


def bytes_size(size: float) -> str:
    """`size` bytes in binary units: 4194304 is 4MiB."""
    return _scaled(size, 1024.0, BINARY_UNITS, 4)


def _scaled(size: float, base: float, units: tuple[str, ...], precision: int) -> str:
    step = 0
    while size >= base and step < len(units) - 1:
        size /= base
        step += 1
    return f"{size:.{precision}g}{units[step]}"


def human_duration(seconds: float) -> str:
    """How long ago something was, in the words of `ps` and `images`."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < 60:
        return f"{whole} seconds"
    minutes = int(seconds / 60)
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    hours = int(seconds / _HOUR + 0.5)
    if hours == 1:
        return "About an hour"
    return _long_duration(hours, seconds / _HOUR)


def _long_duration(hours: int, exact_hours: float) -> str:
    if hours < 48:
        return f"{hours} hours"
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days"
    if hours < 24 * 30 * 2:
        return f"{hours // (24 * 7)} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // (24 * 30)} months"
    return f"{int(exact_hours / 24 / 365)} years"


def parse_bool(text: str) -> bool:
    """The truth that Go's ParseBool reads, or ValueError with its words."""
    if text in {"1", "t", "T", "TRUE", "true", "True"}:
        return True
    if text in {"0", "f", "F", "FALSE", "false", "False"}:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {quoted(text)}: invalid syntax")


def parse_int(text: str, bits: int = 64) -> int:
    """The number that Go's ParseInt reads in base 0, or ValueError with its words."""
    return _parse_number("ParseInt", text, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def parse_uint(text: str, bits: int = 64) -> int:
    """The number that Go's ParseUint reads in base 0, or ValueError with its words."""
    if text[:1] in {"+", "-"}:
        raise ValueError(f"strconv.ParseUint: parsing {quoted(text)}: invalid syntax")
    return _parse_number("ParseUint", text, 0, (1 << bits) - 1)


def _parse_number(function: str, text: str, least: int, most: int) -> int:
    digits = text.lstrip("+-") if text[:2] not in {"--", "++", "+-", "-+"} else ""
    octal = len(digits) > 1 and digits[0] == "0" and digits[1] in _DIGITS + "_"
    plain = digits.isascii() and digits == digits.strip()
    try:
        number = int(digits if plain else "", 8 if octal else 0)
    except ValueError:
        message = f"strconv.{function}: parsing {quoted(text)}: invalid syntax"
        raise ValueError(message) from None
    if text[0] == "-":
        number = -number
    if not least <= number <= most:
        raise ValueError(f"strconv.{function}: parsing {quoted(text)}: value out of range")
    return number


def parse_bytes(text: str) -> int:
    """The size that Docker reads: 512m and 512MiB are both 512 times 1024 squared."""
    split = max((text.rfind(digit) for digit in _DIGITS + ". "), default=-1)
    if split == -1:
        raise ValueError(f"invalid size: '{text}'")
    number, suffix = text[: split + 1], text[split + 1 :]
    if text[split] == " ":
        number = text[:split]
    size = _parse_float(number)
    if size < 0:
        raise ValueError(f"invalid size: '{text}'")
    return min(int(size * _binary_factor(suffix)), _LARGEST)


def _parse_float(text: str) -> float:
    finite = text == text.strip() and text.lower().lstrip("+-") not in {"nan", "inf", "infinity"}
    try:
        return float(text if finite else "")
    except ValueError:
        message = f"strconv.ParseFloat: parsing {quoted(text)}: invalid syntax"
        raise ValueError(message) from None


def _binary_factor(suffix: str) -> int:
    if not suffix:
        return 1
    lower = suffix.lower()
    if len(suffix) <= 3:
        if lower == "b":
            return 1
        if lower[0] in _BINARY_FACTORS and lower[1:] in {"", "b", "ib"}:
            return _BINARY_FACTORS[lower[0]]
        suffix = lower
    raise ValueError(f"invalid suffix: '{suffix}'")


def parse_nano(text: str) -> int:
    """A decimal number such as 1.5, in thousand millionths."""
    from fractions import Fraction  # 4 ms, for those who limit processors

    try:
        exact = Fraction(text) * 1_000_000_000
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"failed to parse {text} as a rational number") from None
    if exact.denominator != 1:
        raise ValueError("value is too precise")
    return exact.numerator


def parse_duration(text: str) -> int:
    """The nanoseconds that Go's ParseDuration reads: 1m30s is 90 of a thousand million."""
    invalid = ValueError(f"time: invalid duration {quoted(text)}")
    rest = text[1:] if text[:1] in {"+", "-"} else text
    if rest == "0":
        return 0
    if not rest:
        raise invalid
    total = 0
    while rest:
        digits, rest = _leading(rest, _DIGITS + ".")
        if digits.count(".") > 1 or not digits.strip("."):
            raise invalid
        unit, rest = _leading_unit(rest)
        if not unit:
            raise ValueError(f"time: missing unit in duration {quoted(text)}")
        if unit not in _DURATION_UNITS:
            raise ValueError(f"time: unknown unit {quoted(unit)} in duration {quoted(text)}")
        whole, _, fraction = digits.partition(".")
        total += int(whole or "0") * _DURATION_UNITS[unit]
        if fraction:
            total += int(fraction) * _DURATION_UNITS[unit] // 10 ** len(fraction)
    if total > _LARGEST:
        raise invalid
    return -total if text[0] == "-" else total


def _leading(text: str, allowed: str) -> tuple[str, str]:
    rest = text.lstrip(allowed)
    return text[: len(text) - len(rest)], rest


def _leading_unit(text: str) -> tuple[str, str]:
    for at, character in enumerate(text):
        if character in _DIGITS or character == ".":
            return text[:at], text[at:]
    return text, ""


def duration_text(nanoseconds: int) -> str:
    """A duration as Go prints it: 1m30s, 1.5s, 100ms, 0s."""
    if nanoseconds == 0:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < 1_000_000_000:
        for unit, factor in (("ms", 1_000_000), ("µs", 1_000), ("ns", 1)):
            if rest >= factor:
                return f"{sign}{_fraction(rest, factor)}{unit}"
    seconds = rest % (60 * 1_000_000_000)
    minutes = rest // (60 * 1_000_000_000)
    text = f"{_fraction(seconds, 1_000_000_000)}s"
    if minutes:
        text = f"{minutes % 60}m{text}"
    if minutes >= 60:
        text = f"{minutes // 60}h{text}"
    return sign + text


def _fraction(amount: int, unit: int) -> str:
    whole, part = divmod(amount, unit)
    if not part:
        return str(whole)
    return f"{whole}." + f"{part:0{len(str(unit)) - 1}d}".rstrip("0")
