"""The HEALTHCHECK instruction.

HEALTHCHECK [--interval=D] [--timeout=D] [--start-period=D] [--start-interval=D]
            [--retries=N] CMD command | NONE
"""

import re
from collections.abc import Callable
from decimal import Decimal

from wherry.errors import InvalidArgument
from wherry.oci.image_config import HealthConfig

_MILLISECOND = 1_000_000
_LONGEST = 2**63 - 1  # of Go's time.Duration
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # both of Unicode's signs for micro, as Go takes them
    "μs": 1_000,
    "ms": _MILLISECOND,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_TERM = re.compile(r"(\d+\.?\d*|\.\d+)([^\d.]*)")
_FLAGS = ("interval", "timeout", "start-period", "start-interval", "retries")


def parse_healthcheck(
    text: str, json_words: Callable[[str], tuple[str, ...] | None]
) -> HealthConfig:
    """The health check that the instruction's arguments ask for, in Docker's words if wrong."""
    flags, rest = _split_flags(text)
    kind, _, command = rest.partition(" ")
    kind, command = kind.upper(), command.strip()
    if not kind:
        raise InvalidArgument("HEALTHCHECK requires at least one argument")
    if kind == "NONE":
        if command:
            raise InvalidArgument("HEALTHCHECK NONE takes no arguments")
        return HealthConfig(test=("NONE",))
    if kind != "CMD":
        raise InvalidArgument(f'Unknown type "{kind}" in HEALTHCHECK (try CMD)')
    words = json_words(command)
    if not (command if words is None else words):
        raise InvalidArgument("Missing command after HEALTHCHECK CMD")
    return HealthConfig(
        test=("CMD-SHELL", command) if words is None else ("CMD", *words),
        interval=_interval(flags, "interval"),
        timeout=_interval(flags, "timeout"),
        start_period=_interval(flags, "start-period"),
        start_interval=_interval(flags, "start-interval"),
        retries=_retries(flags.get("retries", "")),
    )


def _split_flags(text: str) -> tuple[dict[str, str], str]:
    flags: dict[str, str] = {}
    rest = text.strip()
    while rest.startswith("--"):
        word, _, rest = rest.partition(" ")
        rest = rest.strip()
        name, equals, value = word[2:].partition("=")
        if name not in _FLAGS:
            raise InvalidArgument(f"Unknown flag: {name}")
        if not equals:
            raise InvalidArgument(f"Missing a value on flag: {name}")
        if name in flags:
            raise InvalidArgument(f"Duplicate flag specified: {name}")
        flags[name] = value
    return flags, rest


def _interval(flags: dict[str, str], name: str) -> int:
    if not flags.get(name):
        return 0
    nanoseconds = _duration(flags[name])
    if nanoseconds != 0 and nanoseconds < _MILLISECOND:
        raise InvalidArgument(f'Interval "{name}" cannot be less than 1ms')
    return nanoseconds


def _retries(text: str) -> int:
    if not text:
        return 0
    if not re.fullmatch(r"[+-]?\d{1,9}", text):
        raise InvalidArgument(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if int(text) < 0:
        raise InvalidArgument(f"--retries cannot be negative ({text})")
    return int(text)


def _duration(text: str) -> int:
    """Nanoseconds of Go's `1h2m3.5s`."""
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    if unsigned == "0":
        return 0
    total = Decimal(0)
    position = 0
    while position < len(unsigned):
        term = _TERM.match(unsigned, position)
        if term is None:
            raise InvalidArgument(f'time: invalid duration "{text}"')
        number, unit = term.groups()
        if not unit:
            raise InvalidArgument(f'time: missing unit in duration "{text}"')
        if unit not in _UNITS:
            raise InvalidArgument(f'time: unknown unit "{unit}" in duration "{text}"')
        total += Decimal(number) * _UNITS[unit]
        position = term.end()
    if not unsigned or total > _LONGEST:
        raise InvalidArgument(f'time: invalid duration "{text}"')
    return -int(total) if text[0] == "-" else int(total)
