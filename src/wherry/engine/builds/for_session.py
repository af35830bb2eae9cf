"""Builds for clients of BuildKit's protocol: in a child of the launcher, as in `for_client`.

service                                        child
options, descriptors for its streams     ──>   the builder
control messages: event, pull, warned    <──   what happens, see `build.progress`
                  failed, or built       <──   how it ended
closes its end                           ──>   stops, and takes away what it has begun
"""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.build.build_stage import naming_of
from wherry.build.errors import BuildFailed
from wherry.build.graph import FromStage, StageGraph
from wherry.build.order import BuildOrder
from wherry.build.progress import Event, Kind
from wherry.dockerfile.errors import InvalidDockerfile
from wherry.engine.builds.build import BuiltImage, build_image
from wherry.engine.builds.for_client import Client
from wherry.engine.builds.offers import offers_at
from wherry.engine.builds.options import BuildOptions
from wherry.engine.images.progress import Progress
from wherry.errors import WherryError
from wherry.oci.reference import InvalidReference, Reference
from wherry.shim.request import Request
from wherry.values import astuple

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.lint.linter import Report as LintReport


def build_for_session(engine: "Engine", request: Request) -> None:
    """The child's part."""
    payload = request.payload
    places = payload["places"]
    assert isinstance(places, list)
    # Those that come are above the standard streams, so none is written over.
    for descriptor, place in zip(request.descriptors, places, strict=True):
        os.dup2(descriptor, place)
        os.close(descriptor)
    client = Client(request.socket)
    teller = _Teller(client)
    with suppress(KeyboardInterrupt):
        client.interrupt_us()
        options = _options(payload)
        try:
            image = build_image(
                engine, options, teller.report, teller.planned, teller.pulling, teller.warned
            )
        except WherryError as error:
            client.tell(failed=failure_of(error))
        else:
            teller.end_stages()
            client.tell(built=_built(image))


def _options(payload: Mapping[str, object]) -> BuildOptions:
    options = payload["options"]
    assert isinstance(options, dict)
    offers = offers_at(str(payload["questions"]))
    return BuildOptions(
        **options, credentials=offers.credentials, offers=offers, environ={}, cwd="/"
    )


def _built(image: BuiltImage) -> dict[str, object]:
    return {
        "id": str(image.id),
        "names": [name.full for name in image.names],
        "digest": str(image.digest or ""),
    }


def failure_of(error: WherryError) -> dict[str, object]:
    """Its sentence, and the lines of the Dockerfile that are at fault."""
    failure: dict[str, object] = {"message": error.message}
    if isinstance(error, BuildFailed) and (place := error.place) is not None:
        failure["lines"] = (place.file, place.first, place.last)
    elif isinstance(error, InvalidDockerfile):
        failure["lines"] = (error.source.name, *error.source.lines_of(error.problems[0].span))
    return failure


_LOADING = "[internal] load build definition from "
_STAGING = "exporting to local"  # from where the service sends it on


def _full(name: str) -> str:
    try:
        return Reference.parse(name).with_default_tag().full
    except InvalidReference:  # a context
        return name


class _Teller:
    """Tells events on, and of each stage the FROM, which is no step of the builder's."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._bases: dict[str, str] = {}  # what a stage's steps begin with: its FROM
        self._resolving = ""

    def planned(self, _order: BuildOrder, graph: StageGraph) -> None:
        for node in graph.nodes.values():
            if isinstance(node.base, FromStage):
                continue
            naming = naming_of(node, alone=len(graph.nodes) == 1)
            full = naming.step(1, f"FROM {_full(node.base.name)}")
            self._bases.setdefault(full.partition("1/")[0].rstrip(), full)

    def report(self, event: Event) -> None:
        if event.vertex.startswith((_LOADING, _STAGING)):
            return  # of which the service tells how it goes
        if event.kind is Kind.STARTED:
            if "load metadata for " in event.vertex:
                self._resolving = event.vertex
            for front in [each for each in self._bases if _is_step(event.vertex, each)]:
                self._tell_base(front, event.time_ns - 1)
        self._event(event)

    def end_stages(self) -> None:
        """Tell the stages that have no steps."""
        for front in list(self._bases):
            self._tell_base(front, time.time_ns())

    def pulling(self, progress: Progress) -> None:
        self._client.tell(
            pull=(self._resolving, progress.id, progress.status, progress.current, progress.total)
        )

    def warned(self, report: "LintReport") -> None:
        # The rules' words, for builds that have something to warn of.
        from wherry.engine.documents.dockerfile import warning_documents

        if report.findings:
            self._client.tell(warned=warning_documents(report))

    def _tell_base(self, front: str, time_ns: int) -> None:
        name = self._bases.pop(front)
        self._event(Event(Kind.STARTED, name, name, time_ns=time_ns))
        self._event(Event(Kind.FINISHED, name, time_ns=time_ns))

    def _event(self, event: Event) -> None:
        self._client.tell(event=(int(event.kind), *astuple(event)[1:]))


def _is_step(vertex: str, front: str) -> bool:
    rest = vertex.removeprefix(front).lstrip()
    return vertex.startswith(front) and rest[:1].isdigit()
