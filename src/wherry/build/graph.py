"""Which stages a target needs, and what each is built on: no image is looked at for it.

Triggers (ONBUILD) of base images are known only once these are: `stage_graph` is then asked
again with them, and may find more stages needed.
"""

from collections.abc import Iterator, Mapping

from wherry.build.scope import Scope, global_scope, platform_values
from wherry.dockerfile.dockerfile import Dockerfile, Stage
from wherry.dockerfile.errors import with_suggestion
from wherry.dockerfile.instructions import Copy, Instruction, Onbuild, Run
from wherry.dockerfile.mounts import mount_from
from wherry.dockerfile.parser import parse_trigger
from wherry.dockerfile.source import Span
from wherry.dockerfile.words import Expander, InvalidWord
from wherry.errors import InvalidArgument
from wherry.go_text import quoted
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.values import dataclass, field

SCRATCH = "scratch"


class InvalidBuild(InvalidArgument):
    """Stages that do not go together, in BuildKit's words."""

    def __init__(self, message: str, span: Span | None = None, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.span = span


@dataclass(frozen=True, slots=True)
class FromStage:
    index: int


@dataclass(frozen=True, slots=True)
class FromContext:
    """A named context, `--build-context NAME=...`."""

    name: str


@dataclass(frozen=True, slots=True)
class FromImage:
    """An image by its reference as written, variables replaced; `scratch` is nothing."""

    name: str


Origin = FromStage | FromContext | FromImage


@dataclass(frozen=True)
class StageNode:
    """A stage that is built: its instructions, triggers of its base in front."""

    stage: Stage
    base: Origin
    platform: Platform | None
    """Of its FROM; None is the target's."""
    instructions: tuple[Instruction, ...]
    sources: Mapping[int, tuple[Origin, ...]]
    """What the instruction of that number reads besides the build context."""
    used: frozenset[str] = frozenset()
    """Global variables that its FROM reads."""
    triggers: int = 0
    """How many of the instructions in front are not the stage's own."""

    @property
    def needs(self) -> Iterator[Origin]:
        yield self.base
        for origins in self.sources.values():
            yield from origins


@dataclass(frozen=True)
class StageGraph:
    """`nodes` are the stages that `target` needs, by index; in this order they can be built."""

    target: int
    nodes: Mapping[int, StageNode]
    global_scope: Scope


@dataclass(frozen=True)
class BuildRequest:
    """What is asked of a Dockerfile. `contexts` are the names of named contexts, `folders` those
    of them that are files and no image."""

    build_platform: Platform
    target_platform: Platform
    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    contexts: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()


def stage_graph(
    dockerfile: Dockerfile,
    request: BuildRequest,
    triggers: Mapping[int, tuple[str, ...]] | None = None,
) -> StageGraph:
    """The stages that the target needs; InvalidBuild in BuildKit's words.

    `triggers` are the ONBUILD expressions of the base images, by the stage that is FROM them.
    """
    return _Grapher(dockerfile, request, triggers or {}).graph()


class _Grapher:
    def __init__(
        self,
        dockerfile: Dockerfile,
        request: BuildRequest,
        triggers: Mapping[int, tuple[str, ...]],
    ) -> None:
        if not dockerfile.stages:
            raise InvalidBuild("dockerfile contains no stages to build")
        self.dockerfile = dockerfile
        self.request = request
        self.triggers = triggers
        self.expander = Expander(dockerfile.escape)
        self.contexts = {_normal(name): name for name in sorted(request.contexts)}
        self.globals = global_scope(
            platform_values(
                request.build_platform,
                request.target_platform,
                request.target or dockerfile.stages[-1].name,
                request.build_args,
            ),
            dockerfile.global_args,
            request.build_args,
            dockerfile.escape,
        )
        self.nodes: dict[int, StageNode] = {}

    def graph(self) -> StageGraph:
        target = self._target()
        waiting = [target.index]
        while waiting:
            index = waiting.pop()
            if index in self.nodes:
                continue
            node = self.nodes[index] = self._node(self.dockerfile.stages[index])
            waiting += [origin.index for origin in node.needs if isinstance(origin, FromStage)]
        return StageGraph(target.index, dict(sorted(self.nodes.items())), self.globals)

    def _target(self) -> Stage:
        name = self.request.target
        stages = self.dockerfile.stages
        if not name:
            return stages[-1]
        if name.isascii() and name.isdecimal() and int(name[:9]) < len(stages):
            return stages[int(name)]  # no stage's name begins with a digit
        found = self.dockerfile.stage_called(name)
        if found is None:
            message = f"target stage {quoted(name)} could not be found"
            names = [stage.name for stage in stages if stage.name]
            raise InvalidBuild(with_suggestion(message, name, names))
        return found

    def _node(self, stage: Stage) -> StageNode:
        platform, read = self._platform(stage)
        own = stage.instructions
        base: Origin
        used: frozenset[str] = frozenset()
        if stage.name in self.request.contexts:
            base, own = FromContext(stage.name), ()
        else:
            base, used = self._base(stage)
        triggered = tuple(self._triggered(stage, base))
        sources: dict[int, tuple[Origin, ...]] = {}
        if isinstance(base, FromContext) and base.name in self.request.folders:
            # A stage can begin with files: with nothing, and a copy of them.
            triggered = (parse_trigger(f"COPY --from={base.name} / /"),)
            sources[0] = (base,)
            base = FromImage(SCRATCH)
        instructions = (*triggered, *own)
        for number, instruction in enumerate(instructions):
            if number in sources:
                continue
            # A trigger stands in another file: its place here is the FROM that brought it.
            span = instruction.span if number >= len(triggered) else stage.base.span
            if origins := tuple(self._sources(stage, instruction, span)):
                sources[number] = origins
        return StageNode(stage, base, platform, instructions, sources, used | read, len(triggered))

    def _base(self, stage: Stage) -> tuple[Origin, frozenset[str]]:
        written = stage.base.image.text
        name, used = self._expanded(stage, written)
        if not name:
            raise InvalidBuild(f"base name ({written}) should not be blank", stage.base.span)
        for earlier in reversed(self.dockerfile.stages[: stage.index]):
            # Only FROM minds the case here: BuildKit takes `FROM Base` for an image.
            if earlier.name and earlier.name == name:
                return FromStage(earlier.index), used
        return self._outside(name, stage.base.span), used

    def _platform(self, stage: Stage) -> tuple[Platform | None, frozenset[str]]:
        written = stage.base.platform
        if written is None:
            return None, frozenset()
        text, used = self._expanded(stage, written.text)
        if not text:
            raise InvalidBuild(
                f"empty platform value from expression {written.text}", stage.base.span
            )
        try:
            return Platform.parse(text), used
        except InvalidArgument as error:
            raise InvalidBuild(
                f"failed to parse platform {written.text}: {error.message}", stage.base.span
            ) from error

    def _expanded(self, stage: Stage, text: str) -> tuple[str, frozenset[str]]:
        try:
            expansion = self.expander.expand(text, self.globals)
        except InvalidWord as error:
            raise InvalidBuild(error.message, stage.base.span) from error
        return expansion.text, expansion.used

    def _outside(self, name: str, span: Span) -> Origin:
        context = None if name == SCRATCH else self.contexts.get(_normal(name))
        if context is not None:
            return FromContext(context)
        try:
            # Addresses, of folders of this machine too, are the command line's to give.
            Reference.parse(name)
        except InvalidArgument as error:
            raise InvalidBuild(
                f"failed to parse stage name {quoted(name)}: {error.message}", span
            ) from error
        return FromImage(name)

    def _triggered(self, stage: Stage, base: Origin) -> Iterator[Instruction]:
        expressions = list(self.triggers.get(stage.index, ()))
        if isinstance(base, FromStage):
            expressions += [
                instruction.expression
                for instruction in self.dockerfile.stages[base.index].instructions
                if isinstance(instruction, Onbuild)
            ]
        for expression in expressions:
            yield parse_trigger(expression)

    def _sources(self, stage: Stage, instruction: Instruction, span: Span) -> Iterator[Origin]:
        if isinstance(instruction, Copy) and instruction.from_ is not None:
            name = instruction.from_.text
            if self.expander.expand(name, {}).text != name:
                raise InvalidBuild(
                    "variable expansion is not supported for --from, define a new stage with FROM "
                    "using ARG from global scope as a workaround",
                    span,
                )
            yield self._copied_from(stage, name, span)
        elif isinstance(instruction, Run):
            for mount in instruction.mounts:
                if name := mount_from(mount.text):
                    yield self._mounted_from(stage, name, span)

    def _copied_from(self, stage: Stage, name: str, span: Span) -> Origin:
        stages = self.dockerfile.stages
        number = name.removeprefix("+")
        if number.removeprefix("-").isdecimal() and number.isascii():
            if number.startswith("-") or int(number[:9]) >= len(stages):
                raise InvalidBuild(f"invalid stage index {number}", span)
            found: Stage | None = stages[int(number)]
        else:
            found = self.dockerfile.stage_called(name)
        if found is None:
            return self._outside(name, span)
        self._refuse_itself(stage, found, span)
        if found.index > stage.index:
            raise InvalidBuild(
                f"cannot copy from stage {quoted(name)}, it needs to be defined before current "
                f"stage {quoted(_shown(stage))}",
                span,
            )
        return FromStage(found.index)

    def _mounted_from(self, stage: Stage, name: str, span: Span) -> Origin:
        found = self.dockerfile.stage_called(name)
        if found is None:
            return self._outside(name, span)
        self._refuse_itself(stage, found, span)
        if found.index > stage.index:
            raise InvalidBuild(
                f"cannot mount from stage {quoted(name)} to {quoted(_shown(stage))}, "
                "stage needs to be defined before current command",
                span,
            )
        return FromStage(found.index)

    def _refuse_itself(self, stage: Stage, found: Stage, span: Span) -> None:
        if found.index == stage.index:
            raise InvalidBuild(f"circular dependency detected on stage: {_shown(stage)}", span)


def _shown(stage: Stage) -> str:
    return stage.name or f"stage-{stage.index}"


def _normal(name: str) -> str:
    """The one spelling of an image's name; contexts may have names that no image has."""
    try:
        return Reference.parse(name).with_default_tag().full
    except InvalidArgument:
        return name
