"""Variables while a Dockerfile is evaluated: each value knows where it comes from.

build arguments ──> global ARG ──> FROM
        │                │
        └───────┬────────┘ re-declared by ARG in a stage
                v
the base image's ENV, or all that the stage has which this one begins with,
then ARG and ENV of the stage in their order: a later one wins
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from wherry.dockerfile.instructions import Arg, Argument, Env
from wherry.dockerfile.source import NOWHERE, Span
from wherry.dockerfile.words import Expander, Expansion
from wherry.oci.platform import Platform
from wherry.values import dataclass

PROXY_ARGUMENTS = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
"""In either case these need no ARG: a RUN sees them, and they are in no cache key."""
_NOT_IN_ENVIRONMENT = ("BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE")


class Origin(Enum):
    PLATFORM = "platform"
    BUILD_ARGUMENT = "--build-arg"
    GLOBAL_ARG = "global ARG"
    ARG = "ARG"
    ENV = "ENV"
    BASE_IMAGE = "base image"


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a variable, what set it and where, and the variables it was made from."""

    text: str
    origin: Origin
    span: Span = NOWHERE
    made_from: frozenset[str] = frozenset()


class Scope(Mapping[str, str]):
    """Variables by name; a changed scope is a new one, so a step may keep the one it saw."""

    def __init__(
        self, values: Mapping[str, Value] | None = None, arguments: tuple[str, ...] = ()
    ) -> None:
        self.values_by_name: Mapping[str, Value] = values or {}
        self.arguments = arguments
        """What ARGs of stages have declared so far, with a value or without."""

    def __getitem__(self, name: str) -> str:
        return self.values_by_name[name].text

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)

    def value(self, name: str) -> Value | None:
        return self.values_by_name.get(name)

    def with_values(self, values: Mapping[str, Value]) -> "Scope":
        return Scope({**self.values_by_name, **values}, self.arguments)

    def declaring(self, name: str) -> "Scope":
        if name in self.arguments:
            return self
        return Scope(self.values_by_name, (*self.arguments, name))


def platform_values(
    build: Platform, target: Platform, stage: str, overrides: Mapping[str, str]
) -> dict[str, Value]:
    """The variables that every FROM may use without an ARG, and a stage with a bare one."""
    texts = {
        "BUILDPLATFORM": str(build),
        "BUILDOS": build.os,
        "BUILDOSVERSION": build.os_version,
        "BUILDARCH": build.architecture,
        "BUILDVARIANT": build.variant,
        "TARGETPLATFORM": str(target),
        "TARGETOS": target.os,
        "TARGETOSVERSION": target.os_version,
        "TARGETARCH": target.architecture,
        "TARGETVARIANT": target.variant,
        "TARGETSTAGE": stage or "default",
    }
    return {
        name: Value(overrides[name], Origin.BUILD_ARGUMENT)
        if name in overrides
        else Value(text, Origin.PLATFORM)
        for name, text in texts.items()
    }


def global_scope(
    start: Mapping[str, Value],
    arguments: Iterable[Arg],
    build_args: Mapping[str, str],
    escape: str,
) -> Scope:
    """What FROM sees: `start`, and the ARGs before the first FROM."""
    expander = Expander(escape)
    scope = Scope(start)
    for instruction in arguments:
        for item in instruction.arguments:
            value = _declared(item, scope, build_args, expander, Origin.GLOBAL_ARG)
            if value is not None:
                scope = scope.with_values({item.name.text: value})
    return scope


def base_scope(environment: Iterable[str]) -> Scope:
    """The variables of a base image, `NAME=value` each."""
    pairs = (entry.partition("=") for entry in environment)
    return Scope({name: Value(text, Origin.BASE_IMAGE) for name, _, text in pairs})


def after_arg(
    scope: Scope, arg: Arg, globals_: Scope, build_args: Mapping[str, str], escape: str
) -> Scope:
    """The scope behind an ARG of a stage: a build argument, else its default, else the global."""
    expander = Expander(escape)
    for item in arg.arguments:
        name = item.name.text
        value = _declared(item, scope, build_args, expander, Origin.ARG)
        if value is None:
            value = globals_.value(name)
        scope = scope.declaring(name)
        if value is not None and name not in _NOT_IN_ENVIRONMENT:
            scope = scope.with_values({name: value})
    return scope


def after_env(scope: Scope, env: Env, escape: str) -> tuple[Scope, dict[str, str], Expansion]:
    """The scope behind an ENV, what it sets, and the variables that it read.

    All its values see the scope from before it.
    """
    expander = Expander(escape)
    values: dict[str, Value] = {}
    used: set[str] = set()
    unmatched: set[str] = set()
    for pair in env.pairs:
        name = expander.expand(pair.name.text, scope)
        text = expander.expand(pair.value.text, scope)
        used |= name.used | text.used
        unmatched |= name.unmatched | text.unmatched
        values[name.text] = Value(text.text, Origin.ENV, pair.name.span, text.used)
    told = Expansion("", (), frozenset(used), frozenset(unmatched))
    return scope.with_values(values), {name: v.text for name, v in values.items()}, told


def _declared(
    item: Argument,
    scope: Scope,
    build_args: Mapping[str, str],
    expander: Expander,
    origin: Origin,
) -> Value | None:
    given = build_args.get(item.name.text)
    if given is not None:
        return Value(given, Origin.BUILD_ARGUMENT, item.name.span)
    if item.default is None:
        return None
    expansion = expander.expand(item.default.text, scope)
    return Value(expansion.text, origin, item.name.span, expansion.used)
