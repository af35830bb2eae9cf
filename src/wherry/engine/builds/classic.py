"""A build told as Docker's classic builder tells it, which old clients of the API look for.

    Step 2/3 : RUN make
     ---> Using cache
    Successfully built 0123456789ab

An instruction that makes no layer is told with the next that does: only then is it known whether
it was there before. Stages are built side by side, and told one after the other: what a later one
says waits until those before it are complete. There are no intermediate images and containers, so
no lines tell their IDs.
"""

from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Callable, Iterator

from wherry.build.build_stage import LAYERED, naming_of
from wherry.build.errors import BuildFailed
from wherry.build.graph import StageGraph, StageNode
from wherry.build.order import BuildOrder
from wherry.build.progress import Event, Kind
from wherry.build.scope import PROXY_ARGUMENTS
from wherry.dockerfile.instructions import Arg
from wherry.engine.builds.build import BuiltImage
from wherry.engine.documents.progress import progress_document
from wherry.engine.images.progress import Progress
from wherry.errors import WherryError
from wherry.values import dataclass, field

Message = dict[str, object]

_CACHED = " ---> Using cache\n"
_RED, _PLAIN = "\x1b[91m", "\x1b[0m"
_DECODER = getincrementaldecoder("utf-8")


@dataclass(slots=True)
class _Step:
    """An instruction that is still to be told. `vertex` is that of its layer, if it makes one."""

    text: str
    vertex: str = ""


@dataclass(slots=True)
class _Stage:
    steps: list[_Step]
    cached: bool = True
    heard: bool = False  # whether anything has happened in it
    said: list[Message] = field(default_factory=list)  # while it is not its turn

    @property
    def waits_for_nothing(self) -> bool:
        """Whether no event will come: none of what is left makes a layer."""
        return not any(step.vertex for step in self.steps)


class ClassicTeller:
    """Messages of one build, for `send`; with `quiet` the image's ID alone, or the failure."""

    def __init__(self, send: Callable[[Message], None], *, quiet: bool = False) -> None:
        self._send = send
        self._quiet = quiet
        self._kept: list[Message] = []  # of a quiet build
        self._stages: dict[int, _Stage] = {}
        self._turn: list[int] = []  # stages that are not complete, the one that is told first
        self._stage_of: dict[str, int] = {}
        self._decoders: dict[tuple[str, int], IncrementalDecoder] = {}
        self._unused: list[str] = []

    @property
    def has_begun(self) -> bool:
        """Whether anything was sent, after which an error cannot be the answer's status."""
        return bool(self._stages)

    # ---- before

    def planned(self, order: BuildOrder, graph: StageGraph) -> None:
        """The stages of the build; a second time when there are triggers among them."""
        if self._stages:
            for index, node in graph.nodes.items():
                self._add_triggers(index, node)
        else:
            self._begin(order, graph)
        self._name_vertices(graph)
        self._unused = sorted(set(order.build_args) - set(_known_arguments(order, graph)))

    def _begin(self, order: BuildOrder, graph: StageGraph) -> None:
        texts = {
            index: [
                node.stage.base.statement.original,
                *(each.statement.original for each in node.instructions),
            ]
            for index, node in graph.nodes.items()
        }
        globals_ = [each.statement.original for each in order.dockerfile.global_args]
        texts[min(texts)][:0] = globals_
        texts[graph.target] += [f"LABEL {key}={order.labels[key]}" for key in sorted(order.labels)]
        total = sum(map(len, texts.values()))
        number = 0
        for index, lines in texts.items():
            steps = []
            for text in lines:
                number += 1
                steps.append(_Step(f"Step {number}/{total} : {text}"))
            self._stages[index] = _Stage(steps)
            self._turn.append(index)
        for index, stage in self._stages.items():
            for _ in range(1 + (len(globals_) if index == self._turn[0] else 0)):
                self._tell_step(index, stage.steps.pop(0))

    def _add_triggers(self, index: int, node: StageNode) -> None:
        count = len(node.instructions) - len(node.stage.instructions)
        stage = self._stages.get(index)
        if stage is not None and count:
            word = "trigger" if count == 1 else "triggers"
            self._say(index, f"# Executing {count} build {word}\n")
            stage.steps[:0] = [_Step("") for _ in range(count)]

    def _name_vertices(self, graph: StageGraph) -> None:
        for index, node in graph.nodes.items():
            naming = naming_of(node, alone=len(graph.nodes) == 1)
            number = 1
            for step, instruction in zip(
                self._stages[index].steps, node.instructions, strict=False
            ):
                if isinstance(instruction, LAYERED):
                    number += 1
                    step.vertex = naming.step(number, instruction.statement.original)
                    self._stage_of[step.vertex] = index

    # ---- meanwhile

    def report(self, event: Event) -> None:
        """What happens, see `build.progress`."""
        index = self._stage_of.get(event.vertex)
        if index is None:
            return
        self._complete_before(index)
        if event.kind is Kind.MISSED:
            self._reach(index, event.vertex, cached=False)
        elif event.kind is Kind.OUTPUT:
            self._output(index, event)
        elif event.kind is Kind.FINISHED:
            self._reach(index, event.vertex, cached=event.cached)
            if not event.text:
                self._complete(index)

    def pulling(self, progress: Progress) -> None:
        """How the pull of a base image goes."""
        self._send_on(progress_document(progress))

    def _reach(self, index: int, vertex: str, *, cached: bool) -> None:
        """Tell the step of `vertex` and those before it, unless they are told."""
        stage = self._stages[index]
        if not any(step.vertex == vertex for step in stage.steps):
            return
        stage.cached = stage.cached and cached
        stage.heard = True
        while True:
            step = stage.steps.pop(0)
            self._tell_step(index, step, cached=cached)
            if step.vertex == vertex:
                return

    def _complete(self, index: int) -> None:
        """Tell the steps at the end of a stage whose last layer is there."""
        stage = self._stages[index]
        if not stage.waits_for_nothing:
            return
        while stage.steps:
            self._tell_step(index, stage.steps.pop(0), cached=stage.cached and stage.heard)
        while self._turn and not self._stages[self._turn[0]].steps:
            del self._turn[0]
            for message in self._stages[self._turn[0]].said if self._turn else ():
                self._send_on(message)

    def _complete_before(self, index: int) -> None:
        for earlier in self._stages:
            if earlier < index:
                self._complete(earlier)

    def _output(self, index: int, event: Event) -> None:
        decoder = self._decoders.setdefault((event.vertex, event.stream), _DECODER("replace"))
        if text := decoder.decode(event.data):
            self._say(index, f"{_RED}{text}{_PLAIN}" if event.stream == 2 else text)

    def _tell_step(self, index: int, step: _Step, *, cached: bool = False) -> None:
        if step.text:  # triggers have no number
            self._say(index, step.text)
            self._say(index, "\n")
        if cached:
            self._say(index, _CACHED)

    def _say(self, index: int, text: str) -> None:
        message: Message = {"stream": text}
        if self._turn and index > self._turn[0]:
            self._stages[index].said.append(message)
        else:
            self._send_on(message)

    def _send_on(self, message: Message) -> None:
        if self._quiet:
            self._kept.append(message)
        else:
            self._send(message)

    # ---- at the end

    def finished(self, image: BuiltImage) -> None:
        """Tell what was built."""
        if self._quiet:
            self._send({"stream": f"{image.id}\n"})
            return
        for index in self._stages:
            self._complete(index)
        self._send({"aux": {"ID": str(image.id)}})
        if self._unused:
            names = " ".join(self._unused)
            text = f"[Warning] One or more build-args [{names}] were not consumed\n"
            self._send({"stream": text})
        self._send({"stream": f"Successfully built {image.id.short}\n"})
        for name in image.names:
            self._send({"stream": f"Successfully tagged {name}\n"})

    def failed(self, error: WherryError) -> None:
        """Tell why nothing was built, behind all that was to be told before."""
        for message in self._kept:
            self._send(message)
        for index in self._turn[1:]:
            for message in self._stages[index].said:
                self._send(message)
        self._send(failure_message(error))


def failure_message(error: WherryError) -> Message:
    """An error in a stream; of a command that failed in the classic builder's words."""
    text = error.message
    detail: Message = {}
    if isinstance(error, BuildFailed) and error.status:
        text = f"The command '{error.command}' returned a non-zero code: {error.status}"
        detail["code"] = error.status
    return {"errorDetail": {**detail, "message": text}, "error": text}


def _known_arguments(order: BuildOrder, graph: StageGraph) -> Iterator[str]:
    for name in PROXY_ARGUMENTS:
        yield from (name, name.lower())
    instructions = [each for node in graph.nodes.values() for each in node.instructions]
    for instruction in (*order.dockerfile.global_args, *instructions):
        if isinstance(instruction, Arg):
            yield from (argument.name.text for argument in instruction.arguments)
