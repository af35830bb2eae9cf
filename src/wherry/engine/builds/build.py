"""Building an image from a Dockerfile."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.build.builder import Built, Planned, build, plan_build, untold
from wherry.build.contexts import DEFAULT_NAME, open_context
from wherry.build.executor import Output, RunRequest
from wherry.build.order import BuildOrder, Secret, Take, Workshop, nothing_to_take
from wherry.build.progress import Event, Report, vertex
from wherry.build.stage import NotCached
from wherry.build.urls import is_git, is_remote, redacted
from wherry.engine.builds.annotations import (
    Annotations,
    NothingToAnnotate,
    parse_annotations,
    refuse_attestations,
)
from wherry.engine.builds.bases import (
    base_resolver,
    credential_for,
    only_stored,
    warn_of_tag,
)
from wherry.engine.builds.checks import Warned, check_build
from wherry.engine.builds.collection import collect_if_due
from wherry.engine.builds.contexts import named_context
from wherry.engine.builds.options import (
    BuildOptions,
    asked_platform,
    asked_platforms,
    build_arguments,
    check_options,
    key_settings,
    parse_network,
    parse_secrets,
    parse_ssh,
)
from wherry.engine.builds.outputs import NothingToPushTo, outputs_of, write_output
from wherry.engine.builds.outputs import Output as BuildOutput
from wherry.engine.containers.options.modes import container_of
from wherry.engine.images.progress import Report as PullReport
from wherry.engine.images.progress import quietly
from wherry.engine.images.resolve import PullPolicy, resolve_image
from wherry.engine.images.tag import parse_tag
from wherry.engine.privilege import check_root
from wherry.errors import Conflict, InvalidArgument, MissingImage
from wherry.images.ingest import NewImage, commit_images
from wherry.oci.digest import ChainID, Digest
from wherry.oci.image_config import image_id
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.store.build_cache import note_uses
from wherry.store.containers import find_container
from wherry.store.images import refusal_to_move
from wherry.store.leases import lease_of
from wherry.store.networks import find_network
from wherry.values import dataclass, replace

if TYPE_CHECKING:
    from wherry.engine.builds.cache_export import CacheExporter
    from wherry.engine.builds.run_step import StepExecutor
    from wherry.engine.engine import Engine
    from wherry.engine.images.progress import Progress

EPOCH = "SOURCE_DATE_EPOCH"
INLINE_CACHE = "BUILDKIT_INLINE_CACHE"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltImage:
    """What came out of a build. `digest` is a manifest's, if one was made."""

    id: Digest
    names: tuple[Reference, ...]
    digest: Digest | None = None
    wrote_to_stdout: bool = False


def build_image(
    engine: "Engine",
    options: BuildOptions,
    report: Report,
    planned: Planned = untold,
    pulling: PullReport = quietly,
    warned: Warned | None = None,
    *,
    only_cached: bool = False,
) -> BuiltImage:
    """Build the image and give it its names. Raises BuildFailed, and what options are wrong.

    `report` is told what happens, `planned` the stages, `pulling` how pulls of base images go, and
    `warned` what BuildKit's checks find in the Dockerfile.

    Only for a process with one thread: containers are forked from it. With `only_cached` nothing
    is carried out, fetched or forked: NotCached where something would have to be.
    """
    check_root("builds")
    names = tuple(parse_tag(tag) for tag in options.tags)
    outputs = outputs_of(options.outputs, push=options.push, load=options.load)
    pushed = [name for output in outputs if output.push for name in (*names, *output.names)]
    if not pushed and any(output.push for output in outputs):
        raise NothingToPushTo
    if len(asked_platforms(options)) > 1:
        if only_cached:  # the first would be exported before it is known what the next takes
            raise NotCached
        from wherry.engine.builds.platforms import build_platforms  # what few builds ask for

        return build_platforms(engine, options, report, planned, pulling, warned)
    annotations = _annotations(options, outputs)
    exporter = exporter_of(options)
    for tag in options.tags:
        warn_of_tag(tag, report)
    refusal = _refusal_of_names(engine, outputs, names)
    with prepared(engine, options, report, pulling) as (workshop, order):
        # A tag that must not move may be given once more to the image that it names, which is
        # what a build comes to that carries nothing out.
        only_known = only_cached or refusal is not None
        if only_known:
            workshop = replace(workshop, resolve=only_stored(engine, workshop.resolve))
        try:
            plan = plan_build(workshop, order, planned)
            check_build(engine, order, options.platform, warned)
            built = build(workshop, order, plan, only_cached=only_known)
        except NotCached as error:
            if only_cached or refusal is None:
                raise
            raise refusal from error
        if exporter is not None:
            built = exporter.with_inline(engine.store, built)
        image = _exported(engine, workshop, built, outputs, names, annotations)
        if exporter is not None:
            exporter.export(workshop, built)
        with engine.store.database.write() as connection:
            note_uses(connection, built.result.uses, time.time_ns())
    for name in dict.fromkeys(pushed):
        image = replace(image, digest=_push(engine, options, name, report, annotations))
    if not only_cached:
        collect_if_due(engine, report)
    return image


def _refusal_of_names(
    engine: "Engine", outputs: list[BuildOutput], names: tuple[Reference, ...]
) -> Conflict | None:
    """Why the image cannot have a name, unless it has it already."""
    connection = engine.store.database.connection
    given = [name for output in outputs if output.is_image for name in (*names, *output.names)]
    refusals = (refusal_to_move(connection, name) for name in dict.fromkeys(given))
    return next((refusal for refusal in refusals if refusal is not None), None)


def _annotations(options: BuildOptions, outputs: list[BuildOutput]) -> Annotations:
    """Those of the manifest; what cannot be attested, or annotated, is refused."""
    if options.attest or options.provenance or options.sbom:
        refuse_attestations(options.attest, options.provenance, options.sbom)
    if not options.annotations:
        return Annotations()
    if not any(output.has_manifest for output in outputs):
        raise NothingToAnnotate
    return parse_annotations(options.annotations, asked_platform(options) or Platform.host())


def _exported(
    engine: "Engine",
    workshop: Workshop,
    built: Built,
    outputs: list[BuildOutput],
    names: tuple[Reference, ...],
    annotations: Annotations,
) -> BuiltImage:
    to_stdout = any(output.destination == "-" for output in outputs)
    image = BuiltImage(id=image_id(built.document), names=(), wrote_to_stdout=to_stdout)
    for output in outputs:
        if not output.is_image:
            with vertex(workshop.report, f"exporting to {output.type}"):
                digest = write_output(engine.store, built, output, names, annotations)
            image = replace(image, digest=digest or image.digest)
    if any(output.is_image for output in outputs):
        more = (name for output in outputs if output.is_image for name in output.names)
        names = tuple(dict.fromkeys((*names, *more)))
        _commit(engine, workshop, built, image.id, names)
        image = replace(image, names=names)
    return image


def _commit(
    engine: "Engine", workshop: Workshop, built: Built, id_: Digest, names: tuple[Reference, ...]
) -> None:
    """Commit the image with all its names, and what of the cache went into it."""
    with vertex(workshop.report, "exporting to image") as say:
        new = NewImage(document=built.document, layers=built.result.layers, names=names)
        (committed,) = commit_images(workshop.lease, [new], reason="build")
        say(f"writing image {id_} done")
        for name in names:
            say(f"naming to {name.full} done")
    labels = committed.image.config.config.labels
    engine.events.publish_image("create", str(id_), str(id_), labels)
    for name in names:
        engine.events.publish_image("tag", str(id_), str(name), labels)


def _taker(engine: "Engine", options: BuildOptions, undo: ExitStack, report: Report) -> Take:
    if not options.cache_from:
        return nothing_to_take
    from wherry.engine.builds.cache_import import import_caches  # what few builds ask for

    return import_caches(engine, options.cache_from, undo, report, options.credentials)


def exporter_of(options: BuildOptions) -> "CacheExporter | None":
    targets = options.cache_to
    if options.build_args.get(INLINE_CACHE, "") in ("1", "true"):
        targets = (*targets, "type=inline")
    if not targets:
        return None
    from wherry.engine.builds.cache_export import CacheExporter  # what few builds ask for

    return CacheExporter(targets, options.credentials)


def _push(
    engine: "Engine",
    options: BuildOptions,
    name: Reference,
    report: Report,
    annotations: Annotations,
) -> Digest:
    """Push the image of this name; its manifest's digest there."""
    from wherry.engine.images.push import push_image  # HTTP and TLS, for those who push

    with vertex(report, f"pushing {name.full}") as say:
        told: set[str] = set()

        def tell(progress: "Progress") -> None:
            line = f"{progress.id}: {progress.status}" if progress.id else progress.status
            if line not in told:
                told.add(line)
                say(line)

        (pushed,) = push_image(
            engine,
            str(name),
            report=tell,
            credential=credential_for(name, options.credentials),
            annotations=annotations.manifest,
        )
    return pushed.digest


@contextmanager
def prepared(
    engine: "Engine", options: BuildOptions, report: Report, pulling: PullReport = quietly
) -> Iterator[tuple[Workshop, BuildOrder]]:
    """The order that the options mean, and what it is carried out with."""
    if options.ulimits or options.add_hosts or options.allow:
        check_options(options)
    host = Platform.host()
    asked = asked_platform(options)
    arguments = build_arguments(
        (f"{name}={value}" for name, value in options.build_args.items()), options.environ
    )
    with ExitStack() as undo:
        lease = undo.enter_context(lease_of(engine.store, trace=engine.store.trace))
        undo.callback(os.umask, os.umask(0o022))
        with vertex(report, _loading(options.context, options.file)):
            context = open_context(
                lease,
                options.context,
                options.file,
                undo,
                ignorefile=options.ignorefile,
                cwd=options.cwd,
            )
        order = BuildOrder(
            dockerfile=context.dockerfile,
            context=context.tree,
            platform=asked or host,
            build_platform=host,
            image_platform=asked,
            place=f"{context.place}\0{options.target}",
            target=options.target,
            build_args=arguments,
            labels=options.labels,
            contexts={
                name: named_context(lease, name, text, undo, report=report, cwd=options.cwd)
                for name, text in options.build_contexts.items()
            },
            network=_network(engine, options.network),
            secrets=_secrets(options),
            ssh=_agents(options),
            no_cache=options.no_cache,
            no_cache_stages=frozenset(name.lower() for name in options.no_cache_filter),
            cache_layers=_cache_layers(engine, options.cache_images),
            epoch_ns=_epoch(arguments.get(EPOCH) or options.environ.get(EPOCH, "")),
            allow_insecure="security.insecure" in options.allow,
            allow_host_network="network.host" in options.allow or options.network == "host",
            settings=key_settings(options),
            squash=options.squash,
            shell_on_error=_on_error(options.on_error),
        )
        workshop = Workshop(
            store=engine.store,
            lease=lease,
            executor=_Executor(engine, options),
            resolve=base_resolver(engine, lease, report, options, pulling),
            report=report,
            take=_taker(engine, options, undo, report),
        )
        yield workshop, order


def _secrets(options: BuildOptions) -> Mapping[str, Secret]:
    if options.offers is not None:
        return options.offers.secrets
    return parse_secrets(options.secrets, options.environ)


def _agents(options: BuildOptions) -> Mapping[str, Path]:
    if options.offers is not None:
        return options.offers.agents
    return parse_ssh(options.ssh, options.environ)


def _loading(context: str, file: str) -> str:
    if is_git(context):
        return f"[internal] load git source {redacted(context)}"
    if is_remote(context):
        return f"[internal] load remote build context {redacted(context)}"
    name = "" if file == "-" else os.path.basename(file)
    return f"[internal] load build definition from {name or DEFAULT_NAME}"


class _Executor:
    """The executor, made for the first command: a cached build runs none."""

    def __init__(self, engine: "Engine", options: BuildOptions) -> None:
        self._engine = engine
        self._options = options

    @cached_property
    def _executor(self) -> "StepExecutor":
        # The runtime, networks and all of a container: as much again as the builder.
        from wherry.engine.builds.run_step import StepExecutor

        return StepExecutor(self._engine, self._options)

    def run(self, request: RunRequest, output: Output) -> int:
        return self._executor.run(request, output)

    def attach(self, request: RunRequest) -> int:
        return self._executor.attach(request)


def _on_error(text: str) -> bool:
    if text not in ("", "shell"):
        raise InvalidArgument(f'invalid value "{text}" for --on-error: only shell is known')
    return text == "shell"


def _epoch(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise InvalidArgument(f"invalid {EPOCH}: {text}")
    return int(text) * 10**9


def _network(engine: "Engine", text: str) -> str:
    """The network of every RUN; one of one's own and a container's must be there."""
    network = parse_network(text)
    if name := container_of(network):
        find_container(engine.store, name)
    elif network not in ("default", "none", "host"):
        find_network(engine.store, network)
    return network


def _cache_layers(engine: "Engine", names: tuple[str, ...] | None) -> frozenset[ChainID] | None:
    """The layers of these images, as far as they are here."""
    if names is None:
        return None
    layers: set[ChainID] = set()
    for name in names:
        with suppress(MissingImage):
            layers |= set(resolve_image(engine, name, pull=PullPolicy.NEVER).chain_ids)
    return frozenset(layers)


def quiet(_event: Event) -> None:
    """A report that nobody reads."""
