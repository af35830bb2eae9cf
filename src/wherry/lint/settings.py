"""Everything a user can ask for, from wherever it was said, and how it adds up.

    environment < file < flags

The last one wins; lists are joined. What counts for the findings becomes `Options`.
"""

from collections.abc import Mapping

from wherry.errors import InvalidArgument
from wherry.lint.finding import Level
from wherry.lint.options import LabelType, Options
from wherry.values import dataclass, field, replace

DEFAULT_THRESHOLD = Level.INFO
OVERRIDES = (Level.STYLE, Level.INFO, Level.WARNING, Level.ERROR)
"""Levels that codes can be given, in the order they are applied: the last one wins."""


class InvalidSeverity(InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"Invalid severity: {text}")


class InvalidLabelType(InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"invalid label type: {text}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """None is unsaid."""

    ignored: tuple[str, ...] = ()
    overrides: Mapping[Level, tuple[str, ...]] = field(default_factory=dict)
    trusted_registries: tuple[str, ...] = ()
    labels: Mapping[str, LabelType] = field(default_factory=dict)
    strict_labels: bool | None = None
    strict_hadolint: bool | None = None
    disable_ignore_pragma: bool | None = None
    no_fail: bool | None = None
    no_color: bool | None = None
    verbose: bool | None = None
    formats: tuple[str, ...] = ()
    threshold: Level | None = None

    def under(self, stronger: "Settings") -> "Settings":
        """Both together; what `stronger` says counts."""
        return replace(
            self,
            ignored=self.ignored + stronger.ignored,
            overrides={
                level: self.overrides.get(level, ()) + stronger.overrides.get(level, ())
                for level in OVERRIDES
            },
            trusted_registries=self.trusted_registries + stronger.trusted_registries,
            labels={**self.labels, **stronger.labels},
            strict_labels=_said(stronger.strict_labels, self.strict_labels),
            strict_hadolint=_said(stronger.strict_hadolint, self.strict_hadolint),
            disable_ignore_pragma=_said(stronger.disable_ignore_pragma, self.disable_ignore_pragma),
            no_fail=_said(stronger.no_fail, self.no_fail),
            no_color=_said(stronger.no_color, self.no_color),
            verbose=_said(stronger.verbose, self.verbose),
            formats=self.formats + stronger.formats,
            threshold=stronger.threshold or self.threshold,
        )

    def options(self) -> Options:
        """What of it decides the findings."""
        levels: dict[str, Level] = {}
        for level in OVERRIDES:
            levels.update(dict.fromkeys(self.overrides.get(level, ()), level))
        return Options(
            ignored=frozenset(self.ignored),
            levels=levels,
            trusted_registries=self.trusted_registries,
            labels=self.labels,
            strict_labels=bool(self.strict_labels),
            strict_hadolint=bool(self.strict_hadolint),
            heed_pragmas=not self.disable_ignore_pragma,
        )


def _said(first: bool | None, second: bool | None) -> bool | None:
    return second if first is None else first


def read_severity(text: str) -> Level:
    """A threshold; `none` is another word for ignore."""
    try:
        return Level.IGNORE if text == "none" else Level(text)
    except ValueError:
        raise InvalidSeverity(text) from None


def read_label(text: str) -> tuple[str, LabelType]:
    """`name:type`; no type is text."""
    name, _, kind = text.partition(":")
    return name, read_label_type(kind)


def read_label_type(text: str) -> LabelType:
    try:
        return LabelType(text) if text else LabelType.TEXT
    except ValueError:
        raise InvalidLabelType(text) from None
