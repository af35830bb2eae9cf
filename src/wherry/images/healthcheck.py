"""The HEALTHCHECK instruction.

HEALTHCHECK [--interval=D] [--timeout=D] [--start-period=D] [--start-interval=D]
            [--retries=N] CMD command | NONE
"""

import re
from collections.abc import Callable

from wherry.errors import InvalidArgument
from wherry.oci.durations import parse_duration
from wherry.oci.image_config import HealthConfig

_MILLISECOND = 1_000_000
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
    nanoseconds = parse_duration(flags[name])
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
