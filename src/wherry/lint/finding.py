"""What a rule found, where, and how bad it is."""

from enum import Enum

from wherry.dockerfile.source import NOWHERE, Span
from wherry.values import dataclass


class Level(Enum):
    """How bad a finding is; IGNORE is not reported."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    STYLE = "style"
    IGNORE = "ignore"

    @property
    def rank(self) -> int:
        """0 is worst."""
        return _RANKS[self]

    def is_at_least(self, threshold: "Level") -> bool:
        return self.rank <= threshold.rank


_RANKS = {level: rank for rank, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. `line` is that of the instruction, as other tools report it; `span` is exact."""

    code: str
    level: Level
    message: str
    line: int
    column: int = 1
    span: Span = NOWHERE
