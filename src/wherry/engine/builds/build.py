"""Building an image from a Dockerfile."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

from wherry.build.builder import Built, Planned, build, untold
from wherry.build.contexts import open_context, open_named_context
from wherry.build.executor import Output, RunRequest
from wherry.build.order import Base, BuildOrder, Workshop
from wherry.build.progress import Event, Report, vertex
from wherry.build.source_trees import SourceTree
from wherry.engine.builds.options import (
    BuildOptions,
    build_arguments,
    check_platform,
    key_settings,
    parse_network,
    parse_secrets,
    parse_ssh,
)
from wherry.engine.builds.outputs import parse_output, write_output
from wherry.engine.images.progress import Report as PullReport
from wherry.engine.images.progress import quietly
from wherry.engine.images.resolve import PullPolicy, ensure_image, resolve_image
from wherry.engine.images.tag import parse_tag
from wherry.errors import InvalidArgument, MissingImage
from wherry.images.ingest import NewImage, commit_images
from wherry.oci.digest import ChainID, Digest
from wherry.oci.image_config import image_id
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.registry.credentials import Credential
from wherry.store.build_cache import note_uses
from wherry.store.layers import chain_of, claim_layer
from wherry.store.leases import Lease, lease_of
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.builds.run_step import StepExecutor
    from wherry.engine.engine import Engine

EPOCH = "SOURCE_DATE_EPOCH"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltImage:
    """What came out of a build."""

    id: Digest
    names: tuple[Reference, ...]


def build_image(
    engine: "Engine",
    options: BuildOptions,
    report: Report,
    planned: Planned = untold,
    pulling: PullReport = quietly,
) -> BuiltImage:
    """Build the image and give it its names. Raises BuildFailed, and what options are wrong.

    `report` is told what happens, `planned` the stages, `pulling` how pulls of base images go.

    Only for a process with one thread: containers are forked from it.
    """
    names = tuple(parse_tag(tag) for tag in options.tags)
    outputs = [parse_output(text) for text in options.outputs]
    with prepared(engine, options, report, pulling) as (workshop, order):
        built = build(workshop, order, planned)
        image = BuiltImage(id=image_id(built.document), names=())
        for output in outputs:
            if not output.is_image:
                with vertex(report, f"exporting to {output.type}"):
                    write_output(engine.store, built, output, names)
        if not outputs or any(output.is_image for output in outputs):
            more = (parse_tag(output.name) for output in outputs if output.name)
            image = _export(engine, workshop, built, (*names, *more))
        with engine.store.database.write() as connection:
            note_uses(connection, built.result.uses, time.time_ns())
    return image


@contextmanager
def prepared(
    engine: "Engine", options: BuildOptions, report: Report, pulling: PullReport = quietly
) -> Iterator[tuple[Workshop, BuildOrder]]:
    """The order that the options mean, and what it is carried out with."""
    platform = check_platform(options.platform)
    arguments = build_arguments(
        (f"{name}={value}" for name, value in options.build_args.items()), options.environ
    )
    with ExitStack() as undo:
        lease = undo.enter_context(lease_of(engine.store))
        undo.callback(os.umask, os.umask(0o022))
        with vertex(report, "[internal] load build definition from Dockerfile"):
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
            platform=platform,
            place=f"{context.place}\0{options.target}",
            target=options.target,
            build_args=arguments,
            labels=options.labels,
            contexts={
                name: _named_context(name, text, undo)
                for name, text in options.build_contexts.items()
            },
            network=parse_network(options.network),
            secrets=parse_secrets(options.secrets, options.environ),
            ssh=parse_ssh(options.ssh, options.environ),
            no_cache=options.no_cache,
            no_cache_stages=frozenset(name.lower() for name in options.no_cache_filter),
            cache_layers=_cache_layers(engine, options.cache_from),
            epoch_ns=_epoch(arguments.get(EPOCH) or options.environ.get(EPOCH, "")),
            allow_insecure="security.insecure" in options.allow,
            settings=key_settings(options),
            shell_on_error=_on_error(options.on_error),
        )
        workshop = Workshop(
            store=engine.store,
            lease=lease,
            executor=_Executor(engine, options),
            resolve=_resolver(engine, lease, options, pulling),
            report=report,
        )
        yield workshop, order


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


def _named_context(name: str, text: str, undo: ExitStack) -> "SourceTree | str":
    if text.startswith("docker-image://"):
        return text.removeprefix("docker-image://")
    if "://" in text:
        raise InvalidArgument(f"--build-context {name}: {text} is no folder and no docker-image://")
    return open_named_context(text, name, undo)


def _cache_layers(engine: "Engine", names: tuple[str, ...] | None) -> frozenset[ChainID] | None:
    """The layers of these images, as far as they are here."""
    if names is None:
        return None
    layers: set[ChainID] = set()
    for name in names:
        with suppress(MissingImage):
            layers |= set(resolve_image(engine, name, pull=PullPolicy.NEVER).chain_ids)
    return frozenset(layers)


def _resolver(
    engine: "Engine", lease: Lease, options: BuildOptions, pulling: PullReport
) -> Callable[[str, Platform | None], Base]:
    found: dict[str, Base] = {}
    policy = PullPolicy.ALWAYS if options.pull else PullPolicy.MISSING

    def resolve(name: str, platform: Platform | None) -> Base:
        if name in found:
            return found[name]
        credential = _credential(name, options.credentials)
        ensure_image(
            engine,
            name,
            platform=platform,
            pull=policy,
            credential=credential,
            report=pulling,
        )
        image = resolve_image(engine, name, platform=platform, pull=PullPolicy.NEVER)
        top = image.chain_ids[-1] if image.chain_ids else None
        if top is not None:
            claim_layer(lease, top)
        layers = tuple(reversed(chain_of(engine.store, top)))
        found[name] = Base(name=name, id=image.id, config=image.config, layers=layers)
        return found[name]

    return resolve


def _credential(name: str, known: Mapping[str, Credential] | None) -> Credential | None:
    """What is known for the registry of an image; None is what this user's file has."""
    if known is None:
        return None
    return known.get(Reference.parse(name).domain, Credential())


def _export(
    engine: "Engine", workshop: Workshop, built: Built, names: tuple[Reference, ...]
) -> BuiltImage:
    """Commit the image with all its names, and what of the cache went into it."""
    with vertex(workshop.report, "exporting to image") as say:
        new = NewImage(document=built.document, layers=built.result.layers, names=names)
        (committed,) = commit_images(workshop.lease, [new], reason="build")
        built_id = committed.image.id
        say(f"writing image {built_id} done")
        for name in names:
            say(f"naming to {name.full} done")
    for name in names:
        engine.events.publish("image", "tag", str(built_id), {"name": str(name)})
    return BuiltImage(id=built_id, names=names)


def quiet(_event: Event) -> None:
    """A report that nobody reads."""
