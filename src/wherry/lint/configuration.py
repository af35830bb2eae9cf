"""Settings from hadolint's configuration file and environment.

./.hadolint.yaml  $XDG_CONFIG_HOME/hadolint.yaml  ~/.hadolint/hadolint.yaml
~/.hadolint/config.yaml  ~/.hadolint.yaml         and each with .yml; the first that is there
"""

import os
from collections.abc import Callable, Iterator, Mapping

from wherry.errors import InvalidArgument, NotFound
from wherry.lint.finding import Level
from wherry.lint.formats.format import FORMATS
from wherry.lint.options import LabelType
from wherry.lint.settings import Settings, read_label, read_label_type, read_severity

LARGEST = 1 << 20  # bytes
_TRUE = ("1", "y", "on", "true", "yes")
_FALSE = ("0", "n", "off", "false", "no")
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from wherry.lint.yaml import Node

    _Value = TypeVar("_Value")


class InvalidConfiguration(InvalidArgument):
    """Reported, and the file then counts for nothing."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"Error parsing your config file in '{path}': {problem}")


class NoConfiguration(NotFound):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


def find_file(environ: Mapping[str, str], folder: str) -> str | None:
    """The configuration file that counts for a call in `folder`."""
    return next((path for path in _places(environ, folder) if os.path.isfile(path)), None)


def _places(environ: Mapping[str, str], folder: str) -> Iterator[str]:
    home = environ.get("HOME", "")
    stems = [f"{folder}/.hadolint"]
    if environ.get("XDG_CONFIG_HOME"):
        stems.append(f"{environ['XDG_CONFIG_HOME']}/hadolint")
    elif home:
        stems.append(f"{home}/.config/hadolint")
    if home:
        stems += [f"{home}/.hadolint/hadolint", f"{home}/.hadolint/config", f"{home}/.hadolint"]
    for stem in stems:
        yield f"{stem}.yaml"
        yield f"{stem}.yml"


def read_file(path: str) -> Settings:
    """The settings in a file; NoConfiguration or InvalidConfiguration."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise NoConfiguration(path, (error.strerror or "unreadable").lower()) from error
    if len(data) > LARGEST:
        raise InvalidConfiguration(path, f"larger than {LARGEST} bytes")
    from wherry.lint.yaml import InvalidYaml, read_yaml  # most calls have no such file

    try:
        return _settings(read_yaml(data.decode()))
    except (InvalidYaml, UnicodeDecodeError, InvalidArgument) as error:
        raise InvalidConfiguration(path, str(error)) from error


def _settings(root: "Node") -> Settings:
    keys = root.mapping()
    overrides = keys["override"].mapping() if "override" in keys else {}
    formats = [*_one_or_none(keys, "format"), *_list(keys, "formats")]
    for name in formats:
        if name not in FORMATS:
            raise InvalidArgument(f"unknown format {name}")
    threshold = _one_or_none(keys, "failure-threshold")
    return Settings(
        ignored=_list(keys, "ignored"),
        overrides={
            level: _list(overrides, level.value)
            for level in (Level.ERROR, Level.WARNING, Level.INFO, Level.STYLE)
        },
        trusted_registries=_list(keys, "trustedRegistries"),
        labels=_labels(keys),
        strict_labels=_truth(keys, "strict-labels"),
        strict_hadolint=_truth(keys, "strict-hadolint"),
        disable_ignore_pragma=_truth(keys, "disable-ignore-pragma"),
        no_fail=_truth(keys, "no-fail"),
        no_color=_truth(keys, "no-color"),
        verbose=_truth(keys, "verbose"),
        formats=tuple(formats),
        threshold=read_severity(threshold[0]) if threshold else None,
    )


def _list(keys: "Mapping[str, Node]", name: str) -> tuple[str, ...]:
    return tuple(item.text() for item in keys[name].sequence()) if name in keys else ()


def _one_or_none(keys: "Mapping[str, Node]", name: str) -> tuple[str, ...]:
    return (keys[name].text(),) if name in keys else ()


def _truth(keys: "Mapping[str, Node]", name: str) -> bool | None:
    return keys[name].truth() if name in keys else None


def _labels(keys: "Mapping[str, Node]") -> dict[str, LabelType]:
    if "label-schema" not in keys:
        return {}
    return {
        name: read_label_type(value.text())
        for name, value in keys["label-schema"].mapping().items()
    }


def read_environment(environ: Mapping[str, str]) -> Settings:
    """The settings in HADOLINT_*; what makes no sense is passed over."""
    formats = [name for name in _words(environ, "FORMAT") if name in FORMATS]
    return Settings(
        ignored=_words(environ, "IGNORE"),
        overrides={
            level: _words(environ, f"OVERRIDE_{level.name}")
            for level in (Level.ERROR, Level.WARNING, Level.INFO, Level.STYLE)
        },
        trusted_registries=_words(environ, "TRUSTED_REGISTRIES"),
        labels=dict(_sound(read_label, _words(environ, "REQUIRE_LABELS"))),
        strict_labels=_switch(environ, "STRICT_LABELS"),
        disable_ignore_pragma=_switch(environ, "DISABLE_IGNORE_PRAGMA"),
        no_fail=_switch(environ, "NOFAIL"),
        no_color=True if "NO_COLOR" in environ else None,
        verbose=_switch(environ, "VERBOSE"),
        formats=tuple(formats),
        threshold=next(
            _sound(read_severity, (environ.get("HADOLINT_FAILURE_THRESHOLD", ""),)), None
        ),
    )


def _words(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    text = environ.get(f"HADOLINT_{name}", "")
    return tuple(text.split(",")) if text else ()


def _switch(environ: Mapping[str, str], name: str) -> bool | None:
    text = environ.get(f"HADOLINT_{name}", "").lower()
    if text in _TRUE:
        return True
    return False if text in _FALSE else None


def _sound(read: "Callable[[str], _Value]", texts: tuple[str, ...]) -> "Iterator[_Value]":
    for text in texts:
        try:
            yield read(text)
        except InvalidArgument:
            continue
