"""What a Dockerfile offers to who builds it: its targets, and what a target can be given.

Of the stages that a target needs: each ARG with its value, and the secrets and SSH agents that its
mounts ask for.
"""

from collections.abc import Iterable, Mapping

from wherry.build.graph import FromStage, StageGraph, StageNode
from wherry.build.scope import Scope
from wherry.build.steps import Step, resolve_steps, scope_after
from wherry.dockerfile.dockerfile import Dockerfile
from wherry.dockerfile.instructions import Arg, Argument, Run
from wherry.dockerfile.mounts import MountType
from wherry.dockerfile.source import Span
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A stage that can be built."""

    name: str
    description: str
    base: str
    platform: str
    is_default: bool
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """An ARG."""

    name: str
    value: str
    description: str
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """A secret or an SSH agent, and whether a build without it fails."""

    name: str
    is_required: bool
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """What a target can be given, in the order of the file."""

    name: str
    description: str
    arguments: tuple[Parameter, ...]
    secrets: tuple[Need, ...]
    agents: tuple[Need, ...]
    caches: tuple[tuple[str, Span], ...]


def targets_of(dockerfile: Dockerfile) -> tuple[Target, ...]:
    """Every stage, in the order of the file."""
    last = len(dockerfile.stages) - 1
    return tuple(
        Target(
            name=stage.name,
            description=stage.description,
            base=stage.base.image.text,
            platform=stage.base.platform.text if stage.base.platform else "",
            is_default=stage.index == last,
            span=stage.base.span,
        )
        for stage in dockerfile.stages
    )


def outline_of(dockerfile: Dockerfile, graph: StageGraph, build_args: Mapping[str, str]) -> Outline:
    """What the target of `graph` can be given."""
    target = dockerfile.stages[graph.target]
    collected = _Collected(dockerfile, graph)
    scopes: dict[int, Scope] = {}
    for index, node in graph.nodes.items():
        start = scopes[node.base.index] if isinstance(node.base, FromStage) else Scope()
        steps = resolve_steps(graph, node, start, build_args, dockerfile.escape)
        scopes[index] = scope_after(steps, start)
        collected.add(node, steps)
    return Outline(
        name=target.name,
        description=target.description,
        arguments=tuple(sorted(collected.arguments.values(), key=lambda each: each.span.start)),
        secrets=_by_place(collected.secrets),
        agents=_by_place(collected.agents),
        caches=tuple(sorted(collected.caches.items(), key=lambda each: each[1].start)),
    )


class _Collected:
    def __init__(self, dockerfile: Dockerfile, graph: StageGraph) -> None:
        self.graph = graph
        self.globals = {
            argument.name.text: (argument, arg.span)
            for arg in dockerfile.global_args
            for argument in arg.arguments
        }
        self.arguments: dict[str, Parameter] = {}
        self.secrets: dict[str, Need] = {}
        self.agents: dict[str, Need] = {}
        self.caches: dict[str, Span] = {}

    def add(self, node: StageNode, steps: Iterable[Step]) -> None:
        for name in node.used:
            self._add_global(name)
        for step in steps:
            if isinstance(step.written, Arg):
                self._add_arg(step.written, step)
            elif isinstance(step.written, Run):
                self._add_mounts(step)

    def _add_global(self, name: str) -> None:
        """A variable of FROM, and those that its default is made from."""
        if name not in self.globals or name in self.arguments:
            return
        value = self.graph.global_scope.value(name)
        self._add(*self.globals[name], value.text if value else "")
        for other in value.made_from if value else ():
            self._add_global(other)

    def _add_arg(self, arg: Arg, step: Step) -> None:
        for argument in arg.arguments:
            name = argument.name.text
            if argument.default is None and self.graph.global_scope.value(name) is not None:
                self._add_global(name)  # whose value it takes
                continue
            value = step.scope.value(name)
            self._add(argument, arg.span, value.text if value else "")

    def _add(self, argument: Argument, span: Span, value: str) -> None:
        name = argument.name.text
        if name not in self.arguments:
            self.arguments[name] = Parameter(
                name=name, value=value, description=argument.description, span=span
            )

    def _add_mounts(self, step: Step) -> None:
        span = step.written.span
        for mount in step.mounts:
            if mount.type is MountType.SECRET:
                name = mount.id or mount.target.rpartition("/")[2]
                _need(self.secrets, name, span, is_required=mount.required)
            elif mount.type is MountType.SSH:
                _need(self.agents, mount.id or "default", span, is_required=mount.required)
            elif mount.type is MountType.CACHE:
                self.caches.setdefault(mount.id or mount.target, span)


def _need(needs: dict[str, Need], name: str, span: Span, *, is_required: bool) -> None:
    before = needs.get(name)
    if before is None:
        needs[name] = Need(name=name, is_required=is_required, span=span)
    elif is_required and not before.is_required:
        needs[name] = Need(name=name, is_required=True, span=before.span)


def _by_place(needs: Mapping[str, Need]) -> tuple[Need, ...]:
    return tuple(sorted(needs.values(), key=lambda need: need.span.start))
