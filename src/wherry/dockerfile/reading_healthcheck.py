"""HEALTHCHECK [FLAGS] CMD command, and HEALTHCHECK NONE."""

from wherry.dockerfile.characters import SPACE
from wherry.dockerfile.errors import Fault
from wherry.dockerfile.exec_form import json_words
from wherry.dockerfile.flags import Flags, read_flags
from wherry.dockerfile.instructions import CommandLine, Healthcheck
from wherry.dockerfile.statement import Statement
from wherry.go_text import quoted
from wherry.lazy import regex
from wherry.oci.durations import InvalidDuration, parse_duration
from wherry.oci.image_config import HealthConfig

_MILLISECOND = 1_000_000
_INTEGER = regex(r"[+-]?[0-9]+")
_LARGEST = 2**31 - 1


def read_healthcheck(statement: Statement) -> Healthcheck:
    """The check that `statement` asks for; a Fault where it is none."""
    text = statement.arguments.text
    if not text:
        raise Fault("HEALTHCHECK requires at least one argument", statement.keyword.span)
    kind_end = next((at for at, c in enumerate(text) if c in SPACE), len(text))
    kind = text[:kind_end].upper()
    command = _command(statement, statement.start + kind_end)
    if kind == "NONE":
        if command.words:
            raise Fault("HEALTHCHECK NONE takes no arguments", statement.arguments.span)
        return Healthcheck(statement=statement, config=HealthConfig(test=("NONE",)), command=None)
    flags = read_flags("HEALTHCHECK", statement.flags)
    if kind != "CMD":
        raise Fault(
            f"Unknown type {quoted(kind)} in HEALTHCHECK (try CMD)", statement.arguments.span
        )
    if not command.words:
        raise Fault("Missing command after HEALTHCHECK CMD", statement.arguments.span)
    config = HealthConfig(
        test=("CMD" if command.is_exec else "CMD-SHELL", *command.texts),
        interval=_interval(flags, "interval"),
        timeout=_interval(flags, "timeout"),
        start_period=_interval(flags, "start-period"),
        start_interval=_interval(flags, "start-interval"),
        retries=_retries(flags),
    )
    return Healthcheck(statement=statement, config=config, command=command)


def _command(statement: Statement, start: int) -> CommandLine:
    line = statement.line
    end = statement.start + len(statement.arguments.text)
    while start < end and line.text[start] in SPACE:
        start += 1
    words = json_words(line, start, end)
    if words is not None:
        return CommandLine(words, is_exec=True)
    return CommandLine((line.word(start, end),) if start < end else (), is_exec=False)


def _interval(flags: Flags, name: str) -> int:
    word = flags.text(name)
    if word is None or not word.text:
        return 0
    try:
        nanoseconds = parse_duration(word.text)
    except InvalidDuration as error:
        raise Fault(error.message, word.span) from error
    if nanoseconds != 0 and nanoseconds < _MILLISECOND:
        raise Fault(f"Interval {quoted(name)} cannot be less than 1ms", word.span)
    return nanoseconds


def _retries(flags: Flags) -> int:
    word = flags.text("retries")
    if word is None or not word.text:
        return 0
    start = f"strconv.ParseInt: parsing {quoted(word.text)}"
    if not _INTEGER.fullmatch(word.text):
        raise Fault(f"{start}: invalid syntax", word.span)
    if len(word.text) > 12 or not -_LARGEST - 1 <= int(word.text) <= _LARGEST:
        raise Fault(f"{start}: value out of range", word.span)
    if int(word.text) < 0:
        raise Fault(f"--retries cannot be negative ({int(word.text)})", word.span)
    return int(word.text)
