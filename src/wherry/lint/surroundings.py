"""What is known of a Dockerfile besides its text: the engine's records of its builds, its context.

Everything is told by the number of the step that it is about (`document.Step.number`). The engine
finds it out (`wherry.engine.builds.surroundings`); the rules in `insights` word it.
"""

from wherry.values import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Churn:
    """A COPY whose files were others from build to build, in front of a RUN that takes long."""

    versions: int
    """How many different ones the cache has seen."""
    costly: str
    """The RUN behind it that took longest."""
    seconds: float
    """How long that took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a COPY takes out of the context; sizes are bytes."""

    size: int
    largest: str
    """The entry of the folder that is most of it."""
    largest_size: int
    secrets: tuple[str, ...] = ()
    """Paths of files that look like keys, passwords or tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A tag that names another image than at the last build; both by their short IDs."""

    before: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Of one file. Where nothing is known, nothing is said."""

    churns: "Mapping[int, Churn]" = field(default_factory=dict)
    taken: "Mapping[int, Taken]" = field(default_factory=dict)
    moved: "Mapping[int, Moved]" = field(default_factory=dict)
    platforms: "Mapping[int, str]" = field(default_factory=dict)
    """Those of the base images that are here, by their FROM, such as `linux/arm64`."""
    platform: str = ""
    """The one that is built for."""


NOTHING = Surroundings()
