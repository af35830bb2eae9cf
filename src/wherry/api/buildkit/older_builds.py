"""POST /build of version 2: how clients of before buildx build with a session.

{"id": "moby.buildkit.trace", "aux": "<a StatusResponse in base64>"}    what happens
{"id": "moby.image.id", "aux": {"ID": "sha256:..."}}                    what came out
"""

import asyncio
import base64
import secrets

from aiohttp import web

from wherry.api.buildkit.attributes import Definition
from wherry.api.buildkit.builder import Builder
from wherry.api.buildkit.exports import Export, read_export
from wherry.api.buildkit.grpc import Refused
from wherry.api.buildkit.jobs import Job
from wherry.api.buildkit.messages.control import Exporter, SolveRequest
from wherry.api.buildkit.messages.progress import STATUS_RESPONSE
from wherry.api.buildkit.solve import Wanted
from wherry.api.call import Call
from wherry.api.headers import JSON
from wherry.api.progress import progress, progress_error
from wherry.api.requests.build import read_outputs, read_session_build
from wherry.api.streaming import begin
from wherry.errors import Internal, Unsupported, WherryError

_CLIENT = "client-session"


async def build_with_session(call: Call, builder: Builder) -> web.StreamResponse:
    """Answer one such request."""
    wanted = _wanted(call)
    job = await builder.jobs.begin(SolveRequest(ref=secrets.token_hex(16)))
    build_id = call.query.text("buildid")
    quiet = call.query.flag("q")
    solving = asyncio.create_task(_solve(builder, job, wanted))
    try:
        if build_id:
            call.service.builds[build_id] = solving.cancel
        response = await begin(call, JSON)
        async for message in job.progress.follow():
            if not quiet:
                trace = base64.b64encode(STATUS_RESPONSE.encode(message)).decode()
                await response.write(progress({"id": "moby.buildkit.trace", "aux": trace}))
        await response.write(await _outcome(solving, quiet=quiet))
        await response.write_eof()
    finally:
        call.service.builds.pop(build_id, None)
        solving.cancel()
    return response


async def _solve(builder: Builder, job: Job, wanted: Wanted) -> dict[str, str]:
    try:
        return await builder.solver.solve(job, wanted)
    finally:
        await builder.jobs.end(job)


async def _outcome(solving: "asyncio.Task[dict[str, str]]", *, quiet: bool) -> bytes:
    try:
        response = await solving
    except Refused as error:
        return progress_error(Internal(error.message))
    except WherryError as error:
        return progress_error(error)
    except asyncio.CancelledError:
        if not solving.cancelled():
            raise
        return progress_error(Internal("the build was cancelled"))
    image = response.get("containerimage.config.digest", "")
    if not image:
        return b""
    told = progress({"id": "moby.image.id", "aux": {"ID": image}})
    return told + progress({"stream": f"{image}\n"}) if quiet else told


def _wanted(call: Call) -> Wanted:
    query = call.query
    options = read_session_build(call)
    remote = query.text("remote")
    if not remote or remote == "upload-request":
        raise Unsupported("a context in the body of a request is for version 1 of the protocol")
    definition = Definition(
        filename=query.text("dockerfile") or "Dockerfile",
        url="" if remote == _CLIENT else remote,
    )
    return Wanted(
        session=query.text("session"),
        definition=definition,
        options=options,
        export=_export(call, options),
    )


def _export(call: Call, options: dict[str, object]) -> Export:
    outputs = read_outputs(call.query) or (("moby", {}),)
    exporters = tuple(
        Exporter(type="" if kind == "cacheonly" else kind, attrs=attrs) for kind, attrs in outputs
    )
    export = read_export(SolveRequest(exporters=exporters))
    tags = options.pop("tags")
    assert isinstance(tags, tuple)
    if export.is_folder or not export.kind:
        return export
    return Export(kind=export.kind, names=(*export.names, *tags), push=export.push)
