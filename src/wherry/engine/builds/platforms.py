"""Builds for several platforms: one after the other, with an index of what comes out.

A tag of the store names one image, so the index goes where there is one: to a registry, or into
an image layout. Files go into a folder for each platform.
"""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wherry.build.builder import Built, Planned, build, plan_build, untold
from wherry.build.order import BuildOrder, Workshop
from wherry.build.progress import Event, Report, vertex
from wherry.engine.builds.annotations import (
    Annotations,
    NothingToAnnotate,
    parse_annotations,
    refuse_attestations,
)
from wherry.engine.builds.bases import credential_for, warn_of_tag
from wherry.engine.builds.build import BuiltImage, exporter_of, prepared
from wherry.engine.builds.checks import Warned, check_build
from wherry.engine.builds.collection import collect_if_due
from wherry.engine.builds.options import BuildOptions, SeveralPlatforms, asked_platforms
from wherry.engine.builds.outputs import (
    NothingToPushTo,
    Output,
    OutputType,
    folder_of,
    outputs_of,
    write_archive,
    write_files,
)
from wherry.engine.images.progress import Report as PullReport
from wherry.engine.images.tag import parse_tag
from wherry.errors import Unsupported
from wherry.images.archive.platforms import SavedIndex, archive_of_index
from wherry.images.archive.write import SavedImage
from wherry.oci.digest import Digest
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.store.build_cache import note_uses
from wherry.values import replace

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class ManifestLists(Unsupported):
    """In BuildKit's words."""

    def __init__(self) -> None:
        super().__init__(
            "docker exporter does not currently support exporting manifest lists",
            hint="-o type=oci,dest=FILE does",
        )


def build_platforms(
    engine: "Engine",
    options: BuildOptions,
    report: Report,
    planned: Planned,
    pulling: PullReport,
    warned: Warned | None,
) -> BuiltImage:
    """Build for each of the platforms. Raises what `build_image` does, and SeveralPlatforms."""
    names = tuple(parse_tag(tag) for tag in options.tags)
    platforms = asked_platforms(options)
    outputs = outputs_of(options.outputs, push=options.push, load=options.load)
    _check_outputs(outputs, names, options)
    notes = _annotations(options, outputs, platforms)
    exporter = exporter_of(options)
    for tag in options.tags:
        warn_of_tag(tag, report)
    one = replace(options, platform=str(platforms[0]))
    with prepared(engine, one, report, pulling) as (workshop, order):
        check_build(engine, order, one.platform, warned)
        built: dict[Platform, Built] = {}
        for platform in platforms:
            each = _build(workshop, order, platform, planned if not built else untold)
            built[platform] = each if exporter is None else exporter.with_inline(engine.store, each)
        index = _exported(engine, options, workshop, built, outputs, names, notes)
        if exporter is not None:
            exporter.export(workshop, _together(built))
        with engine.store.database.write() as connection:
            for each in built.values():
                note_uses(connection, each.result.uses, time.time_ns())
    collect_if_due(engine, report)
    to_stdout = any(output.destination == "-" for output in outputs)
    return BuiltImage(id=index, names=names, digest=index, wrote_to_stdout=to_stdout)


def _check_outputs(
    outputs: Sequence[Output], names: tuple[Reference, ...], options: BuildOptions
) -> None:
    if any(output.is_image and not output.push for output in outputs):
        raise SeveralPlatforms(",".join(map(str, asked_platforms(options))))
    if any(output.type is OutputType.DOCKER for output in outputs):
        raise ManifestLists
    if any(output.push and not (*names, *output.names) for output in outputs):
        raise NothingToPushTo


def _annotations(
    options: BuildOptions, outputs: Sequence[Output], platforms: Sequence[Platform]
) -> dict[Platform, Annotations]:
    refuse_attestations(options.attest, options.provenance, options.sbom)
    if options.annotations and not any(output.has_manifest for output in outputs):
        raise NothingToAnnotate
    return {
        platform: parse_annotations(options.annotations, platform, of_index=True)
        for platform in platforms
    }


def _build(workshop: Workshop, order: BuildOrder, platform: Platform, planned: Planned) -> Built:
    """Build for one platform. What it is compared with are past builds for that."""
    order = replace(
        order,
        platform=platform,
        image_platform=platform,
        place=f"{order.place}\0{platform}",
    )
    workshop = replace(workshop, report=_named(workshop.report, platform))
    return build(workshop, order, plan_build(workshop, order, planned))


def _named(report: Report, platform: Platform) -> Report:
    """Tell the steps of a platform from those of the others, as BuildKit does."""

    def tell(event: Event) -> None:
        step = _step_name(event.vertex, platform)
        text = step if event.text == event.vertex else event.text
        report(replace(event, vertex=step, text=text))

    return tell


def _step_name(name: str, platform: Platform) -> str:
    return f"[{platform} {name[1:].lstrip()}" if name.startswith("[") else f"{name} ({platform})"


def _exported(
    engine: "Engine",
    options: BuildOptions,
    workshop: Workshop,
    built: Mapping[Platform, Built],
    outputs: Sequence[Output],
    names: tuple[Reference, ...],
    notes: Mapping[Platform, Annotations],
) -> Digest:
    """Write and push what is asked for; the digest of the index."""
    images = [
        SavedImage(
            document=each.document,
            layers=each.result.layers,
            annotations=notes[platform].manifest,
            descriptor_annotations=notes[platform].descriptor,
        )
        for platform, each in built.items()
    ]
    first = next(iter(notes.values()))
    saved = SavedIndex(
        images=images,
        names=names,
        annotations=first.index,
        descriptor_annotations=first.index_descriptor,
    )
    digest = Digest.of_bytes(saved.document)
    for output in outputs:
        named = replace(saved, names=output.names or names)
        if output.push:
            from wherry.engine.builds.push_index import push_index  # HTTP and TLS, for who pushes

            for name in dict.fromkeys((*names, *output.names)):
                credential = credential_for(name, options.credentials)
                with vertex(workshop.report, f"pushing {name.full}") as say:
                    digest = push_index(workshop.lease, name, saved, credential, say)
            continue
        with vertex(workshop.report, f"exporting to {output.type}"):
            if output.type is OutputType.OCI:
                write_archive(archive_of_index(engine.store, named), output)
            elif output.type in (OutputType.LOCAL, OutputType.TAR):
                split = output.split is not False  # else the last of a name is what stays
                folders = [(folder_of(p) if split else "", each) for p, each in built.items()]
                write_files(engine.store, folders, output)
    return digest


def _together(built: Mapping[Platform, Built]) -> Built:
    """One build with the layers and steps of all, as an exported cache has them."""
    first, *others = built.values()
    result = first.result
    for other in others:
        new = [layer for layer in other.result.layers if layer not in result.layers]
        result = replace(
            result,
            layers=(*result.layers, *new),
            uses=(*result.uses, *other.result.uses),
        )
    return replace(first, result=result)
