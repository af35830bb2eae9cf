"""What a build would do, told before anything runs: each step's decision with its reason.

Behind a step that would be carried out nothing is known: what follows is rebuilt because of it.
What that costs is what it cost at the last build from here.
"""

from collections.abc import Mapping
from contextlib import ExitStack

from wherry.build.build_stage import (
    LAYERED,
    beginning,
    beginning_scope,
    decide_step,
    is_uncached,
    naming_of,
    steps_of,
    texts_of,
)
from wherry.build.build_stage import prepare as prepare_step
from wherry.build.builder import base_of, plan_build
from wherry.build.cache import SWITCHED_OFF, Decision, Hit, Miss
from wherry.build.configuration import applied
from wherry.build.difference import PARENT_REBUILT
from wherry.build.errors import failed, place_of
from wherry.build.graph import FromStage, StageGraph, StageNode
from wherry.build.layer_reuse import relayered
from wherry.build.order import BuildOrder, Workshop
from wherry.build.stage import StageResult, StageWork
from wherry.build.steps import Step, scope_after
from wherry.dockerfile.instructions import Add, Copy, Workdir
from wherry.errors import WherryError
from wherry.store.build_cache import CacheRecord
from wherry.store.layers import get_layer
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class StepExplanation:
    """One step that makes a layer. `reason` is why it is a miss; `last` what it cost last time."""

    name: str
    line: int
    cached: bool
    reason: str = ""
    last: CacheRecord | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    steps: tuple[StepExplanation, ...]

    @property
    def rebuilt(self) -> tuple[StepExplanation, ...]:
        return tuple(step for step in self.steps if not step.cached)

    @property
    def seconds(self) -> float:
        """What the rebuilt steps took last time."""
        return sum(step.last.duration_ns for step in self.rebuilt if step.last) / 1e9

    @property
    def size(self) -> int:
        """Bytes that the rebuilt steps made last time."""
        return sum(step.last.size for step in self.rebuilt if step.last)


def explain_build(workshop: Workshop, order: BuildOrder) -> Explanation:
    """What `build` would do. Images that stages begin with are resolved; nothing is carried out."""
    plan = plan_build(workshop, order)
    results: dict[int, StageResult] = {}
    unknown: set[int] = set()
    steps: list[StepExplanation] = []
    for index, node in plan.graph.nodes.items():
        base = base_of(plan, node, results)
        draft = beginning(base)
        work = StageWork(
            workshop=workshop,
            order=order,
            index=index,
            results=results,
            draft=draft,
            layers=base.layers,
        )
        is_unknown = isinstance(node.base, FromStage) and node.base.index in unknown
        try:
            explainer = _Explainer(work, plan.graph, node, unknown, is_unknown=is_unknown)
            start = beginning_scope(base)
            found = steps_of(order, plan.graph, node, start)
            steps += explainer.explained(found)
        finally:
            work.close()
        if explainer.is_unknown:
            unknown.add(index)
        scope = scope_after(found, start)
        results[index] = StageResult(draft=work.draft, layers=work.layers, scope=scope)
    return Explanation(steps=tuple(steps))


class _Explainer:
    def __init__(
        self,
        work: StageWork,
        graph: StageGraph,
        node: StageNode,
        unknown: set[int],
        *,
        is_unknown: bool,
    ) -> None:
        self.work = work
        self.graph = graph
        self.node = node
        self.unknown = unknown
        self.is_unknown = is_unknown
        self.naming = naming_of(node, alone=len(graph.nodes) == 1)
        self.no_cache = is_uncached(work.order, node)
        self.number = 1

    def explained(self, steps: tuple[Step, ...]) -> list[StepExplanation]:
        out = []
        self.work.texts = texts_of(steps)
        source = self.work.order.dockerfile.source
        for step in steps:
            if isinstance(step.instruction, LAYERED):
                self.number += 1
                name = self.naming.step(self.number, step.written.statement.original)
                try:
                    decision = self._decision(step)
                except WherryError as error:
                    place = None if step.is_trigger else place_of(source, step.written.span)
                    raise failed(error, name, place) from error
                if decision is not None:
                    line = 0 if step.is_trigger else source.line_of(step.written.span.start)
                    out.append(_explanation(name, line, decision))
            if not isinstance(step.instruction, LAYERED) or isinstance(step.instruction, Workdir):
                self.work.draft, _ = applied(self.work.draft, step)
        return out

    def _decision(self, step: Step) -> Hit | Miss | None:
        work = self.work
        last = work.former(self.number)
        linked = isinstance(step.instruction, Copy | Add) and step.instruction.link
        if self.is_unknown and not linked:
            return Miss(PARENT_REBUILT, last)
        for origin in step.sources:
            if isinstance(origin, FromStage) and origin.index in self.unknown:
                self.is_unknown = True
                return Miss(f"stage {self._stage_name(origin.index)} rebuilt", last)
        with ExitStack() as undo:
            prepared = prepare_step(work, step, undo, _no_output)
            if prepared is None:
                return None
            decision: Decision = Miss(SWITCHED_OFF, last)
            if not self.no_cache:
                decision = decide_step(work, prepared, self.number)
        if isinstance(decision, Miss):
            self.is_unknown = True
        elif not self.is_unknown:
            layer = get_layer(work.workshop.store, decision.record.chain_id)
            if prepared.linked and layer.parent != work.top:
                layer = relayered(
                    work.workshop.lease, layer, work.layers[-1] if work.layers else None
                )
            work.layers = (*work.layers, layer)
            work.is_base = False
        return decision

    def _stage_name(self, index: int) -> str:
        return self.graph.nodes[index].stage.name or str(index)


def _explanation(name: str, line: int, decision: Hit | Miss) -> StepExplanation:
    if isinstance(decision, Hit):
        return StepExplanation(name=name, line=line, cached=True, last=decision.record)
    return StepExplanation(
        name=name, line=line, cached=False, reason=decision.reason, last=decision.last
    )


def _no_output(_stream: int, _data: bytes) -> None:
    return


def explanation_document(explanation: Explanation) -> Mapping[str, object]:
    """As `build --explain=json` prints it."""
    return {
        "steps": [
            {
                "name": step.name,
                "line": step.line,
                "cached": step.cached,
                "reason": step.reason,
                "lastSeconds": step.last.duration_ns / 1e9 if step.last else None,
                "lastBytes": step.last.size if step.last else None,
            }
            for step in explanation.steps
        ],
        "rebuilt": len(explanation.rebuilt),
        "lastSeconds": explanation.seconds,
        "lastBytes": explanation.size,
    }
