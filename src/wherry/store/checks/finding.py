"""What a check can find, as values.

Orphaned content is no fault: a process was killed, and the next collection takes it away. Damaged
and missing content is: something that a row promises cannot be had.
"""

from enum import Enum

from wherry.values import dataclass


class State(Enum):
    DAMAGED = "damaged"
    MISSING = "missing"
    ORPHANED = "orphaned"

    @property
    def is_fault(self) -> bool:
        return self is not State.ORPHANED


class Kind(Enum):
    BLOB = "blob"
    BUILD_CACHE = "build cache"
    CONTAINER = "container"
    DATABASE = "database"
    DOWNLOAD = "download"
    FILE = "file"
    IMAGE = "image"
    LAYER = "layer"
    LINK = "link"
    STAGING = "staging"
    VOLUME = "volume"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    `name` is its digest, chain ID, name or path below the root folder; `size` are the bytes that
    an orphan takes.
    """

    state: State
    kind: Kind
    name: str
    problem: str
    size: int = 0
