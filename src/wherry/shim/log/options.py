"""Options of log drivers, checked in Docker's words."""

import os
import re
from collections.abc import Mapping

from wherry.errors import Internal, InvalidArgument
from wherry.values import dataclass

DEFAULT_DRIVER = "json-file"
# On by default, unlike Docker's: a chatty container must not fill the disk.
DEFAULT_SIZE = 20_000_000
DEFAULT_COUNT = 5
JOURNAL_SOCKET = "/run/systemd/journal/socket"

DRIVERS = ("json-file", "local", "none", "journald")
_ELSEWHERE = ("syslog", "gelf", "fluentd", "awslogs", "gcplogs", "splunk", "etwlogs", "logentries")
_TAGGING = {"labels", "labels-regex", "env", "env-regex", "tag"}
_COMMON = {"mode", "max-buffer-size"}
_KNOWN = {
    "json-file": _TAGGING | {"max-file", "max-size", "compress"},
    "local": {"max-file", "max-size", "compress"},
    "journald": _TAGGING,
    "none": set[str](),
}
_UNITS = {"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}


@dataclass(frozen=True, kw_only=True, slots=True)
class LogOptions:
    """How a container's log is kept. `capacity` bytes a file, 0 for no bound; `count` files."""

    driver: str = DEFAULT_DRIVER
    capacity: int = DEFAULT_SIZE
    count: int = DEFAULT_COUNT
    compress: bool = False
    tagging: Mapping[str, str]  # labels, labels-regex, env, env-regex, tag


class LogDriverMissing(Internal):
    def __init__(self, name: str) -> None:
        hint = f"the drivers are {', '.join(DRIVERS)}" if name in _ELSEWHERE else ""
        message = f'error looking up logging plugin {name}: plugin "{name}" not found'
        super().__init__(message, hint=hint)


class InvalidLogOption(InvalidArgument):
    pass


def validate_log_options(driver: str, options: Mapping[str, str]) -> None:
    """Raise in Docker's words for what the driver would not take."""
    read_log_options(driver, options)
    if driver == "journald" and not os.path.exists(JOURNAL_SOCKET):
        raise _unusable("journald is not enabled on this host")


def read_log_options(driver: str, options: Mapping[str, str]) -> LogOptions:
    """The options of `driver` ("" is the default one) with their defaults."""
    driver = driver or DEFAULT_DRIVER
    known = _KNOWN.get(driver)
    if known is None:
        raise LogDriverMissing(driver)
    if driver == "none" and options:
        raise InvalidLogOption("invalid logging opts for driver none")
    _check_mode(options)
    for name in options:
        if name not in known | _COMMON:
            raise InvalidLogOption(
                f"unknown log opt '{name}' for log driver {driver}"
                if driver == "local"
                else f"unknown log opt '{name}' for {driver} log driver"
            )
    for name in ("labels-regex", "env-regex"):
        _check_expression(options.get(name, ""))
    _check_template(options.get("tag", ""))
    return LogOptions(
        driver=driver,
        capacity=_capacity(driver, options),
        count=_count(driver, options),
        compress=_compress(driver, options),
        tagging={name: value for name, value in options.items() if name in _TAGGING},
    )


def _unusable(reason: str) -> InvalidLogOption:
    return InvalidLogOption(f"failed to initialize logging driver: {reason}")


def _check_mode(options: Mapping[str, str]) -> None:
    mode = options.get("mode", "")
    if mode not in ("", "blocking", "non-blocking"):
        raise InvalidLogOption(f"logger: logging mode not supported: {mode}")
    if "max-buffer-size" in options:
        if mode != "non-blocking":
            raise InvalidLogOption(
                "logger: max-buffer-size option is only supported with 'mode=non-blocking'"
            )
        try:
            _size(options["max-buffer-size"])
        except InvalidLogOption as error:
            raise InvalidLogOption(f"error parsing option max-buffer-size: {error}") from None


def _check_expression(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise _unusable(f"error parsing regexp: {error.msg}: `{text}`") from None


TAG_FIELDS = ("ID", "FullID", "Name", "ImageID", "ImageFullID", "ImageName", "DaemonName")
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def _check_template(text: str) -> None:
    if text.count("{{") > text.count("}}"):
        raise _unusable("template: log-tag:1: unclosed action")
    for action in _ACTION.finditer(text):
        field = re.fullmatch(r"\{\{\s*\.(\w+)\s*\}\}", action[0])
        if field is None:
            raise _unusable(f"tag: {action[0]} is not supported: a field alone can be asked for")
        if field[1] not in TAG_FIELDS:
            raise _unusable(
                f'template: log-tag:1:{action.start() + 2}: executing "log-tag" at'
                f" <.{field[1]}>: can't evaluate field {field[1]} in type *logger.Info"
            )


def _capacity(driver: str, options: Mapping[str, str]) -> int:
    text = options.get("max-size", "")
    if not text:
        return DEFAULT_SIZE
    if text == "-1":  # what Docker documents as the default
        return 0
    try:
        size = _size(text)
    except InvalidLogOption as error:
        prefix = f"invalid value for max-size: {text}: " if driver == "local" else ""
        raise _unusable(prefix + error.message) from None
    if size <= 0:
        raise _unusable("max-size must be a positive number")
    return size


def _count(driver: str, options: Mapping[str, str]) -> int:
    text = options.get("max-file", "")
    if not text:
        # As Docker: who bounds the size and names no number of files gets one.
        return 1 if options.get("max-size") and driver == "json-file" else DEFAULT_COUNT
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        reason = f'strconv.Atoi: parsing "{text}": invalid syntax'
        prefix = f"invalid value for max-file: {text}: " if driver == "local" else ""
        raise _unusable(prefix + reason)
    if int(text) < 1:
        raise _unusable("max-file cannot be less than 1")
    return int(text)


def _compress(driver: str, options: Mapping[str, str]) -> bool:
    text = options.get("compress", "")
    if not text:
        return driver == "local"
    if text in ("1", "t", "T", "TRUE", "true", "True"):
        bounded = options.get("max-size", "") not in ("", "-1")
        if driver == "json-file" and (_count(driver, options) < 2 or not bounded):
            raise _unusable(
                "compress cannot be true when max-file is less than 2 or max-size is not set"
            )
        return True
    if text in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    raise _unusable(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def _size(text: str) -> int:
    """Bytes of `20m`; decimal units, as in Docker's log options alone."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([a-zA-Z]*)", text)
    if match is None:
        raise InvalidLogOption(f"invalid size: '{text}'")
    unit = match[2].lower()
    factor = _UNITS.get(unit.removesuffix("b") if len(unit) > 1 else unit)
    if factor is None:
        raise InvalidLogOption(f"invalid suffix: '{match[2]}'")
    return int(float(match[1]) * factor)
