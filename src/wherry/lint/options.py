"""What is asked of the linter."""

from collections.abc import Mapping
from enum import Enum

from wherry.lint.finding import Level
from wherry.values import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.dockerfile.directives import CheckOptions
    from wherry.dockerfile.ignorefile import IgnoreFile
    from wherry.lint.surroundings import Surroundings


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
    strict_hadolint: bool = False
    """Whether a file that hadolint's parser refuses is unreadable here too."""
    heed_pragmas: bool = True
    shellcheck: bool = True
    """Whether ShellCheck is asked, where it is installed."""
    checks: bool = False
    """Whether BuildKit's checks run too."""
    check_options: "CheckOptions | None" = None
    """What is asked of them in place of what the file's directive says."""
    rules: bool = True
    """Whether hadolint's rules run."""
    surroundings: "Mapping[str, Surroundings]" = field(default_factory=dict)
    """What the engine knows of files, by their names; what asks for it runs where it is known."""
    installed: "Mapping[str, Mapping[str, str]]" = field(default_factory=dict)
    """Versions of packages, by package manager, that repairs may pin."""
    ignore_file: "IgnoreFile | None" = None
    """What `.dockerignore` says, where the context is known."""

    def surroundings_of(self, name: str) -> "Surroundings":
        from wherry.lint.surroundings import NOTHING  # for rules that most calls do not load

        return self.surroundings.get(name, NOTHING)
