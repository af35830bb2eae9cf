"""Building one stage: each step looked up in the cache, and carried out if it is not there."""

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from wherry.build.cache import (
    Decision,
    Hit,
    Miss,
    explained,
    find_hit,
    lock_name,
    remember,
)
from wherry.build.configuration import Draft, applied, history_entry
from wherry.build.copy_step import prepare_copy
from wherry.build.errors import BuildFailed, failed, place_of
from wherry.build.executor import Output
from wherry.build.graph import StageGraph, StageNode
from wherry.build.layer_reuse import clamp_times, relayered
from wherry.build.order import Base, BuildOrder, Workshop
from wherry.build.progress import Event, Kind
from wherry.build.run_step import prepare_run
from wherry.build.scope import Scope, base_scope
from wherry.build.stage import NotCached, Prepared, StageResult, StageWork, place_number
from wherry.build.steps import Step, UnreadableStep, resolve_steps, scope_after
from wherry.build.urls import is_remote
from wherry.build.workdir_step import prepare_workdir
from wherry.dockerfile.instructions import Add, Copy, Run, Workdir
from wherry.errors import Internal, WherryError, os_error_text
from wherry.linux.files import remove_tree
from wherry.linux.locks import locked_by_name
from wherry.oci.image_config import RootFS
from wherry.oci.timestamps import format_timestamp
from wherry.store.build_cache import CacheRecord, Use
from wherry.store.build_history import PastStep
from wherry.store.diff import measure_layer
from wherry.store.discards import discard
from wherry.store.layers import Layer, adopt_layer, get_layer, new_diff_folder
from wherry.values import dataclass, replace

_LOG = 1 << 16  # bytes of a step's output that a failure repeats
_WORTH_DISCARDING = 1 << 22  # bytes of a tar: some thousand files
LAYERED = (Run, Copy, Add, Workdir)


@dataclass(frozen=True, kw_only=True, slots=True)
class StageNaming:
    """How progress calls the steps of a stage: `[builder 2/5] RUN make`."""

    name: str
    alone: bool
    total: int

    def step(self, number: int, text: str) -> str:
        front = "" if self.alone else f"{self.name} "
        width = len(str(self.total))
        return f"[{front}{number:>{width}}/{self.total}] {text}"


def naming_of(node: StageNode, *, alone: bool) -> StageNaming:
    count = sum(isinstance(instruction, LAYERED) for instruction in node.instructions)
    name = node.stage.name or f"stage-{node.stage.index}"
    return StageNaming(name=name, alone=alone, total=count + 1)


def steps_of(
    order: BuildOrder, graph: StageGraph, node: StageNode, start: Scope
) -> tuple[Step, ...]:
    """The steps of a stage that begins with the variables `start`.

    BuildFailed at words that cannot be read.
    """
    dockerfile = order.dockerfile
    try:
        return resolve_steps(graph, node, start, order.build_args, dockerfile.escape)
    except UnreadableStep as error:
        place = None if error.is_trigger else place_of(dockerfile.source, error.written.span)
        raise failed(error, "", place) from error


def build_stage(
    workshop: Workshop,
    order: BuildOrder,
    graph: StageGraph,
    node: StageNode,
    base: Base | StageResult,
    results: Mapping[int, StageResult],
    *,
    cached_only: bool = False,
) -> StageResult:
    """The stage, its steps carried out in their order. Raises BuildFailed.

    With `cached_only` nothing is carried out: NotCached where something would have to be.
    """
    draft = beginning(base)
    work = StageWork(
        workshop=workshop,
        order=order,
        index=node.stage.index,
        results=results,
        draft=draft,
        layers=base.layers,
    )
    try:
        builder = _StageBuilder(work, graph, node, cached_only=cached_only)
        start = beginning_scope(base)
        return builder.build(steps_of(order, graph, node, start), start)
    finally:
        work.close()


def beginning(base: Base | StageResult) -> Draft:
    """The configuration that a stage begins with; the triggers of its base are used up."""
    config = base.config if isinstance(base, Base) else base.draft.config
    return Draft(replace(config, config=replace(config.config, on_build=())))


def beginning_scope(base: Base | StageResult) -> Scope:
    """The variables that a stage begins with: of a stage below its arguments, too, but what
    these hid of the image's environment is seen again."""
    environment = base_scope(beginning(base).defaults.env)
    if isinstance(base, Base):
        return environment
    return base.scope.with_values(environment.values_by_name)


def prepare(work: StageWork, step: Step, undo: ExitStack, output: Output) -> Prepared | None:
    """What a step that makes a layer needs to be looked up or carried out; None for the others."""
    match step.instruction:
        case Run():
            return prepare_run(work, step, output)
        case Copy() | Add():
            return prepare_copy(work, step, undo)
        case Workdir():
            return prepare_workdir(work, step)
    return None


def texts_of(steps: Iterable[Step]) -> tuple[str, ...]:
    """The instructions that make layers, as they are written."""
    return tuple(
        step.written.statement.original for step in steps if isinstance(step.instruction, LAYERED)
    )


def is_fetching(step: Step) -> bool:
    """Whether a step reads from elsewhere than from this machine."""
    instruction = step.instruction
    return isinstance(instruction, Add) and any(is_remote(w.text) for w in instruction.sources)


class StepOutput:
    """What a step writes: reported, and its end kept for a failure."""

    def __init__(self, workshop: Workshop, vertex: str) -> None:
        self._workshop = workshop
        self._vertex = vertex
        self.log = b""

    def __call__(self, stream: int, data: bytes) -> None:
        self.log = (self.log + data)[-_LOG:]
        self._workshop.report(Event(Kind.OUTPUT, self._vertex, data=data, stream=stream))


class _StageBuilder:
    def __init__(
        self, work: StageWork, graph: StageGraph, node: StageNode, *, cached_only: bool
    ) -> None:
        self.work = work
        self.cached_only = cached_only
        self.node = node
        self.naming = naming_of(node, alone=len(graph.nodes) == 1)
        self.number = 1  # of the step that is at hand, FROM is the first
        self.text = ""  # of that step
        self.overhead_ns = 0
        self.uses: list[Use] = []
        self.no_cache = is_uncached(work.order, node)

    def build(self, steps: tuple[Step, ...], start: Scope) -> StageResult:
        self.work.texts = texts_of(steps)
        for step in steps:
            self._step(step)
        work = self.work
        return StageResult(
            draft=work.draft,
            layers=work.layers,
            uses=tuple(self.uses),
            scope=scope_after(steps, start),
        )

    def _step(self, step: Step) -> None:
        work = self.work
        text = self.text = step.written.statement.original
        if not isinstance(step.instruction, LAYERED):
            try:
                work.draft, line = applied(work.draft, step)
            except WherryError as error:
                raise self._failed(error, text, step) from error
            if line:
                self._add_history(line, None, empty=True)
            return
        self.number += 1
        if self.cached_only and is_fetching(step):
            raise NotCached  # only its content tells, which whoever carries it out fetches
        name = self.naming.step(self.number, text)
        output = StepOutput(work.workshop, name)
        self._started(name)
        prepared = None
        try:
            with ExitStack() as undo:
                prepared = prepare(work, step, undo, output)
                if prepared is None:
                    work.workshop.report(Event(Kind.MISSED, name))
                    self._finished(name)
                else:
                    self._layer(prepared, name)
        except (WherryError, OSError) as error:
            problem = error if isinstance(error, WherryError) else Internal(os_error_text(error))
            self._finished(name, error=problem.message)
            raise self._failed(problem, name, step, output.log) from error
        except KeyboardInterrupt:
            self._finished(name, error="CANCELED")
            raise
        if isinstance(step.instruction, Workdir):
            work.draft, line = applied(work.draft, step)
            if prepared is None:
                self._add_history(line, None, empty=True)

    def _layer(self, prepared: Prepared, name: str) -> None:
        """Find the step's layer, or make it, and put it on top."""
        work = self.work
        if self.no_cache:
            decision: Decision = Miss("")
        else:
            decision = self._decide(prepared)
        cached = isinstance(decision, Hit)
        if isinstance(decision, Hit):
            record = decision.record
            layer = self._layer_of(record, prepared)
        elif self.cached_only:
            raise NotCached
        elif self.no_cache:
            layer, record = self._make(prepared, name)
        else:
            layer, record, cached = self._make_once(prepared, name)
        past = None
        if isinstance(decision, Miss) and not cached:
            past = PastStep(
                number=self._place,
                text=self.text,
                reason=decision.reason,
                changed=decision.changed,
                duration_ns=record.duration_ns,
                overhead_ns=self.overhead_ns,
            )
        self._add_layer(layer, record, prepared.history, past)
        self._finished(name, cached=cached)
        work.is_base = False

    def _decide(self, prepared: Prepared) -> Decision:
        return decide_step(self.work, prepared, self.number)

    def _layer_of(self, record: CacheRecord, prepared: Prepared) -> Layer:
        work = self.work
        layer = get_layer(work.workshop.store, record.chain_id)
        if not prepared.linked or layer.parent == work.top:
            return layer
        parent = work.layers[-1] if work.layers else None
        return relayered(work.workshop.lease, layer, parent)

    def _make_once(self, prepared: Prepared, name: str) -> tuple[Layer, CacheRecord, bool]:
        """Make the layer, unless a simultaneous build is at it: then wait for that."""
        path = self.work.workshop.store.root / "tmp" / lock_name(prepared.inputs.key)
        with locked_by_name(path):
            decision = self._decide(prepared)
            if isinstance(decision, Hit):
                return self._layer_of(decision.record, prepared), decision.record, True
            layer, record = self._make(prepared, name)
            return layer, record, False

    def _make(self, prepared: Prepared, name: str) -> tuple[Layer, CacheRecord]:
        work = self.work
        lease = work.workshop.lease
        work.workshop.report(Event(Kind.MISSED, name))
        started = time.monotonic_ns()
        folder = lease.new_path("-step")
        try:
            new_diff_folder(folder)
            packed = prepared.carry_out(folder)
            carried_out = time.monotonic_ns()
            lease.trace("step carried out")
            tidy(folder)
            if work.order.epoch_ns is not None:
                clamp_times(folder / "diff", work.order.epoch_ns)
            unpacked = measure_layer(folder / "diff", packed)
            parent = work.layers[-1] if work.layers else None
            layer = adopt_layer(lease, folder, unpacked, parent)
            if unpacked.tar_size >= _WORTH_DISCARDING and folder.exists():
                discard(lease.store, folder)  # the very layer is here already
        except BaseException:
            remove_tree(folder)
            raise
        ended = time.monotonic_ns()
        self.overhead_ns = ended - carried_out
        record = remember(
            lease,
            prepared.inputs,
            layer,
            description=name,
            kind=prepared.kind,
            duration_ns=ended - started,
            created_ns=work.now_ns,
        )
        lease.trace("step remembered")
        return layer, record

    @property
    def _place(self) -> int:
        return place_number(self.work.index, self.number)

    def _add_layer(
        self, layer: Layer, record: CacheRecord, history: str, past: PastStep | None
    ) -> None:
        work = self.work
        work.layers = (*work.layers, layer)
        past = past or PastStep(number=self._place, text=self.text)
        self.uses.append(Use(work.order.place, self._place, record.key, past))
        created = format_timestamp(
            record.created_ns if work.order.epoch_ns is None else work.order.epoch_ns
        )
        config = work.draft.config
        rootfs = RootFS(type="layers", diff_ids=(*config.rootfs.diff_ids, layer.diff_id))
        work.draft = replace(work.draft, config=replace(config, rootfs=rootfs))
        self._add_history(history, created, empty=False)

    def _add_history(self, line: str, created: str | None, *, empty: bool) -> None:
        """What has no time of its own has that of the layer before, so that a cached build is
        the same image again."""
        work = self.work
        config = work.draft.config
        if created is None:
            epoch = work.order.epoch_ns
            created = config.created if epoch is None else format_timestamp(epoch)
        entry = history_entry(line, created, empty=empty)
        config = replace(config, created=created, history=(*config.history, entry))
        work.draft = replace(work.draft, config=config)

    def _started(self, name: str) -> None:
        self.work.workshop.report(Event(Kind.STARTED, name, name))

    def _finished(self, name: str, *, cached: bool = False, error: str = "") -> None:
        self.work.workshop.report(Event(Kind.FINISHED, name, error, cached=cached))

    def _failed(self, error: WherryError, name: str, step: Step, log: bytes = b"") -> BuildFailed:
        source = self.work.order.dockerfile.source
        place = None if step.is_trigger else place_of(source, step.written.span)
        return failed(error, name, place, log)


def decide_step(work: StageWork, prepared: Prepared, number: int) -> Decision:
    """Whether the step is here already, or can be had from another machine."""
    shop = work.workshop
    record = find_hit(shop.lease, prepared.inputs)
    if record is not None and not work.order.may_use(record.chain_id):
        return Miss("", record)
    if record is None:
        parent = work.layers[-1] if work.layers else None
        record = shop.take(shop, prepared.inputs, parent)
    if record is not None:
        return Hit(record)
    return explained(shop.lease, prepared.inputs, work.former(number))


def is_uncached(order: BuildOrder, node: StageNode) -> bool:
    """Whether the cache is not to be looked at for a stage."""
    names = order.no_cache_stages
    return order.no_cache or node.stage.name in names or str(node.stage.index) in names


def tidy(folder: Path) -> None:
    """Remove everything of a step's staging folder but the layer."""
    for name in os.listdir(folder):
        if name != "diff":
            remove_tree(folder / name)
