"""Lengths of time as Go writes them: `1h2m3.5s`."""

from decimal import Decimal

from wherry.errors import InvalidArgument
from wherry.lazy import regex

_LONGEST = 2**63 - 1  # of Go's time.Duration
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # both of Unicode's signs for micro, as Go takes them
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_TERM = regex(r"(\d+\.?\d*|\.\d+)([^\d.]*)")


class InvalidDuration(InvalidArgument):
    """A text that is no length of time, in Go's words."""


def parse_duration(text: str) -> int:
    """Nanoseconds of Go's `1h2m3.5s`."""
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    if unsigned == "0":
        return 0
    total = Decimal(0)
    position = 0
    while position < len(unsigned):
        term = _TERM.match(unsigned, position)
        if term is None:
            raise InvalidDuration(f'time: invalid duration "{text}"')
        number, unit = term.groups()
        if not unit:
            raise InvalidDuration(f'time: missing unit in duration "{text}"')
        if unit not in _UNITS:
            raise InvalidDuration(f'time: unknown unit "{unit}" in duration "{text}"')
        total += Decimal(number) * _UNITS[unit]
        position = term.end()
    if not unsigned or total > _LONGEST:
        raise InvalidDuration(f'time: invalid duration "{text}"')
    return -int(total) if text[0] == "-" else int(total)


def format_duration(nanoseconds: int) -> str:
    """As Go prints a duration: 90 s are `1m30s`, a tenth of one is `100ms`."""
    if nanoseconds == 0:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < 10**9:
        unit, factor = next(
            (unit, _UNITS[unit]) for unit in ("ms", "µs", "ns") if rest >= _UNITS[unit]
        )
        return f"{sign}{_decimal(rest, factor)}{unit}"
    minutes, rest = divmod(rest, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, 10**9)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _decimal(value: int, factor: int) -> str:
    whole, fraction = divmod(value, factor)
    digits = f"{fraction:0{len(str(factor)) - 1}}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
