"""A whole build: which stages, their bases, in which order, and what comes out."""

import time
from collections.abc import Callable, Mapping

from wherry.build.build_stage import build_stage
from wherry.build.errors import BuildFailed, failed, of_missing_image, place_of
from wherry.build.graph import (
    SCRATCH,
    BuildRequest,
    FromContext,
    FromImage,
    FromStage,
    InvalidBuild,
    StageGraph,
    StageNode,
    stage_graph,
)
from wherry.build.order import Base, BuildOrder, Workshop
from wherry.build.parallel import run_stages
from wherry.build.progress import vertex
from wherry.build.run_step import DEFAULT_PATH
from wherry.build.source_trees import SourceTree
from wherry.build.stage import StageResult, place_number
from wherry.errors import WherryError
from wherry.oci.image_config import ContainerDefaults, ImageConfig, RootFS
from wherry.oci.platform import Platform
from wherry.store.build_cache import Use
from wherry.values import dataclass, replace


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Stages in an order in which they can be built, with the images that they begin with."""

    graph: StageGraph
    bases: Mapping[int, Base]


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """The target. `document` is the image's configuration, `base` what the build began with."""

    result: StageResult
    document: bytes
    base: Base


# Told the stages of a build before any image is looked at, and again where triggers add some.
Planned = Callable[[BuildOrder, StageGraph], None]


def untold(_order: BuildOrder, _graph: StageGraph) -> None:
    """A `Planned` that nobody listens to."""


def plan_build(workshop: Workshop, order: BuildOrder, planned: Planned = untold) -> Plan:
    """The stages that the target needs. Images are resolved, and fetched if need be."""
    request = BuildRequest(
        build_platform=order.build_platform,
        target_platform=order.platform,
        target=order.target,
        build_args=order.build_args,
        contexts=frozenset(order.contexts),
        folders=frozenset(
            name for name, context in order.contexts.items() if isinstance(context, SourceTree)
        ),
    )
    bases: dict[int, Base] = {}
    triggers: dict[int, tuple[str, ...]] = {}
    told: set[str] = set()
    while True:
        # The triggers of a base may need more stages, and these have bases of their own.
        try:
            graph = stage_graph(order.dockerfile, request, triggers)
        except InvalidBuild as error:
            raise _located(order, error) from error
        planned(order, graph)
        missing = [index for index in graph.nodes if index not in bases]
        fresh = False
        for index in missing:
            node = graph.nodes[index]
            if isinstance(node.base, FromStage):
                continue
            bases[index] = _base(workshop, order, node, told)
            if on_build := bases[index].config.config.on_build:
                triggers[index] = on_build
                fresh = True
        if not fresh:
            return Plan(graph=graph, bases=bases)


def build(workshop: Workshop, order: BuildOrder, plan: Plan, *, only_cached: bool = False) -> Built:
    """Build the target. Raises BuildFailed; what was built until then stays in the cache.

    With `only_cached` raises NotCached instead of carrying a step out.
    """

    def stage(
        index: int,
        workshop: Workshop,
        results: Mapping[int, StageResult],
        *,
        cached_only: bool = False,
    ) -> StageResult:
        node = plan.graph.nodes[index]
        base = base_of(plan, node, results)
        return build_stage(
            workshop, order, plan.graph, node, base, results, cached_only=cached_only
        )

    result = run_stages(workshop, plan.graph, stage, only_cached=only_cached)
    base = _first_base(plan)
    if order.squash:
        result = _squashed(workshop, order, plan, result, base)
    return Built(result=result, document=_document(order, result), base=base)


def _first_base(plan: Plan) -> Base:
    """The image below all stages that the target is made of."""
    node = plan.graph.nodes[plan.graph.target]
    while isinstance(node.base, FromStage):
        node = plan.graph.nodes[node.base.index]
    return plan.bases[node.stage.index]


def _squashed(
    workshop: Workshop, order: BuildOrder, plan: Plan, result: StageResult, base: Base
) -> StageResult:
    layers = result.layers[len(base.layers) :]
    if not layers:
        return result
    from wherry.build.squash import squash_layers, squashed_config  # what few builds ask for

    below = base.layers[-1] if base.layers else None
    with vertex(workshop.report, f"squashing {len(layers)} layers"):
        squashed = squash_layers(
            workshop.lease, below, layers, now_ns=order.epoch_ns or time.time_ns()
        )
    config = squashed_config(result.draft.config, base, squashed)
    use = Use(order.place, place_number(plan.graph.target, 0), squashed.record.key)
    return replace(
        result,
        draft=replace(result.draft, config=config),
        layers=(*base.layers, squashed.layer),
        uses=(*result.uses, use),
    )


def base_of(plan: Plan, node: StageNode, results: Mapping[int, StageResult]) -> Base | StageResult:
    """What the stage begins with."""
    if isinstance(node.base, FromStage):
        return results[node.base.index]
    return plan.bases[node.stage.index]


def _document(order: BuildOrder, result: StageResult) -> bytes:
    config = result.draft.config
    labels = {**config.config.labels, **order.labels}
    config = replace(config, config=replace(config.config, labels=labels))
    if config.created is None and order.epoch_ns is not None:
        from wherry.oci.timestamps import format_timestamp

        config = replace(config, created=format_timestamp(order.epoch_ns))
    return config.to_bytes()


def _base(workshop: Workshop, order: BuildOrder, node: StageNode, told: set[str]) -> Base:
    origin = node.base
    platform = node.platform or order.image_platform
    if isinstance(origin, FromContext):
        context = order.contexts[origin.name]
        assert isinstance(context, str)
        name = context
        step = f"[context {origin.name}] load metadata for {_full(name)}"
    else:
        assert isinstance(origin, FromImage)
        name = origin.name
        step = f"[internal] load metadata for {_full(name)}"
    if name == SCRATCH:
        return scratch(platform or order.platform)
    try:
        if step in told:
            return workshop.resolve(name, platform)
        told.add(step)
        with vertex(workshop.report, step):
            return workshop.resolve(name, platform)
    except WherryError as error:
        place = place_of(order.dockerfile.source, node.stage.base.span)
        meant = of_missing_image(error, name, order.dockerfile)
        raise failed(meant, step, place) from error


def scratch(platform: Platform) -> Base:
    """No files, and what BuildKit says of such an image."""
    config = ImageConfig(
        architecture=platform.architecture,
        os=platform.os,
        variant=platform.variant,
        config=ContainerDefaults(env=(f"PATH={DEFAULT_PATH}",), working_dir="/"),
        rootfs=RootFS(type="layers", diff_ids=()),
    )
    return Base(name=SCRATCH, id=None, config=config, layers=())


def _full(name: str) -> str:
    from wherry.oci.reference import Reference

    if name == SCRATCH or "://" in name:
        return name
    return Reference.parse(name).with_default_tag().full


def _located(order: BuildOrder, error: InvalidBuild) -> BuildFailed:
    place = place_of(order.dockerfile.source, error.span) if error.span is not None else None
    return failed(error, "", place)
