"""What is asked of the linter."""

from collections.abc import Mapping
from enum import Enum

from wherry.dockerfile.ignorefile import IgnoreFile
from wherry.lint.finding import Level
from wherry.values import dataclass, field


class LabelType(Enum):
    """What the value of a label must be."""

    TEXT = "text"
    EMAIL = "email"
    HASH = "hash"
    RFC3339 = "rfc3339"
    SEMVER = "semver"
    SPDX = "spdx"
    URL = "url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What decides which findings a text has."""

    ignored: frozenset[str] = frozenset()
    levels: Mapping[str, Level] = field(default_factory=dict)
    """Levels of codes other than their own."""
    trusted_registries: tuple[str, ...] = ()
    labels: Mapping[str, LabelType] = field(default_factory=dict)
    """Labels that every image must have."""
    strict_labels: bool = False
    """Whether there may be other labels."""
    heed_pragmas: bool = True
    shellcheck: bool = True
    """Whether ShellCheck is asked, where it is installed."""
    checks: bool = False
    """Whether BuildKit's checks run too."""
    rules: bool = True
    """Whether hadolint's rules run."""
    ignore_file: IgnoreFile | None = None
    """What `.dockerignore` says, where the context is known."""
