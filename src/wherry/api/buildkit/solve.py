"""Carrying out a build that a client asks for by BuildKit's protocol.

client's session ─ files ─> contexts ─> options ─> builder (a child of the launcher)
client's session <─ files, archive ──── exports <──┘  └─> progress
"""

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress

from wherry.api.buildkit.attributes import (
    Definition,
    cache_options,
    read_attributes,
    read_definition,
)
from wherry.api.buildkit.contexts import Contexts, Ours, loading
from wherry.api.buildkit.exports import Export, read_export, send_archive, send_folder
from wherry.api.buildkit.failures import refusal
from wherry.api.buildkit.jobs import Job
from wherry.api.buildkit.messages.common import BYTES
from wherry.api.buildkit.progress import Happening, Progress, Pull, Warned
from wherry.api.buildkit.questions import Questions
from wherry.api.buildkit.session import Session, Sessions
from wherry.api.buildkit.threads import in_thread, write_pipe
from wherry.api.service import Service
from wherry.api.threads import TooManyRequests
from wherry.build.progress import Event, Kind
from wherry.dockerfile.errors import InvalidDockerfile
from wherry.engine.builds.for_session import failure_of
from wherry.engine.builds.questions import QUESTIONS, answer_question
from wherry.engine.builds.request import request_solve
from wherry.engine.engine import Engine
from wherry.errors import Internal, InvalidArgument, Unsupported
from wherry.shim.client import Connection
from wherry.store.store import Store
from wherry.values import dataclass

_PULL = "/moby.upload.v1.Upload/Pull"
_UPLOADED = "http://buildkit-session/"
_STDIN, _STDOUT = 0, 1
_OURS = ("docker/dockerfile", "docker/dockerfile-upstream")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A build from a Dockerfile. `options` are those of `BuildOptions`, as plain values."""

    session: str
    definition: Definition
    options: Mapping[str, object]
    export: Export


def wanted_of(job: Job, ref: str = "") -> Wanted:
    """What a job is to build: itself, or what it has asked the gateway for under `ref`."""
    request = job.request
    frontend, attrs = request.frontend, request.attrs
    definition, inputs = request.definition, request.inputs
    if ref:
        asked = job.asked.get(ref)
        if asked is None:
            raise InvalidArgument(f"no such ref: {ref}")
        frontend, attrs = asked.frontend, asked.attrs
        definition, inputs = asked.definition, asked.inputs
    if definition or inputs:
        raise Unsupported("only Dockerfiles are built by this engine, no graphs of BuildKit's")
    _check_frontend(frontend, attrs)
    if request.source_policy:
        raise Unsupported("source policies are not supported by this engine")
    return Wanted(
        session=request.session,
        definition=read_definition(attrs),
        options={
            **read_attributes(attrs, request.entitlements),
            **cache_options(attrs, request.cache),
        },
        export=read_export(request),
    )


def _check_frontend(frontend: str, attrs: Mapping[str, str]) -> None:
    """Refuse what is no Dockerfile. Images of Docker's frontend are what this engine has itself."""
    if frontend == "dockerfile.v0":
        return
    image = attrs.get("source", "").partition("@")[0].partition(":")[0].removeprefix("docker.io/")
    if frontend != "gateway.v0" or image not in _OURS:
        name = attrs.get("source") or frontend
        raise Unsupported(f"the frontend {name!r} is not supported by this engine")


class Solver:
    """Builds of one service."""

    def __init__(self, service: Service, sessions: Sessions) -> None:
        self._service = service
        self._sessions = sessions

    async def answer(self, job: Job, wanted: Wanted, question: str) -> dict[str, bytes]:
        """The facts with which a question about the Dockerfile is answered; nothing is built."""
        if question not in QUESTIONS:
            raise Unsupported(f"{question} is not supported by this engine")
        definition, options = wanted.definition, dict(wanted.options)
        if definition.url.startswith(_UPLOADED):
            raise Unsupported("questions about a context of the client's input are not answered")
        session = await self._sessions.find(wanted.session)
        async with AsyncExitStack() as undo:
            contexts = Contexts(self._service.root, session, job, undo)
            ours = await contexts.fetch(definition, whole=False)
            options |= _places(definition, ours)
            run = self._service.workers.run_alone
            try:
                document, status = await run(answer_question, options, question)
            except InvalidDockerfile as error:
                raise refusal(failure_of(error), ours.text) from error
        return {
            "version": b"1.0.0",
            "result.json": json.dumps(document).encode(),
            "result.statuscode": str(status).encode(),
        }

    async def solve(self, job: Job, wanted: Wanted) -> dict[str, str]:
        """Build, and export; what the client is told of the outcome."""
        definition, options = wanted.definition, dict(wanted.options)
        session = await self._sessions.find(wanted.session)
        async with AsyncExitStack() as undo:
            root = self._service.root
            ours = await Contexts(root, session, job, undo).fetch(definition)
            questions = await undo.enter_async_context(Questions(session, self._service.run))
            folder = None
            if wanted.export.is_folder:
                staging = Store(root, self._service.run).staging_folder()
                folder = await in_thread(staging.__enter__)
                undo.push_async_callback(in_thread, staging.__exit__, None, None, None)
            options |= wanted.export.options(folder)
            options |= _places(definition, ours)
            options["build_contexts"] = {**_texts(options.get("build_contexts", {})), **ours.named}
            build = _Build(self._service, session, job.progress, definition, questions.path)
            outcome = await build.run(ours, options, wanted.export)
            if folder is not None:
                async with job.progress.vertex("exporting to client directory"):
                    await send_folder(session, folder)
        return _response(wanted.export, outcome)


def _texts(value: object) -> Mapping[str, str]:
    assert isinstance(value, dict)
    return value


def _places(definition: Definition, ours: Ours) -> dict[str, object]:
    """Where the builder finds context and Dockerfile."""
    if not definition.url:
        return {"context": str(ours.context), "file": ours.dockerfile}
    context = "-" if definition.url.startswith(_UPLOADED) else definition.url
    if not ours.dockerfile:
        # The usual name is not asked for, so that a context may be a Dockerfile itself.
        usual = definition.filename == "Dockerfile"
        return {"context": context, "file": "" if usual else definition.filename}
    if context == "-":
        raise Unsupported("a context of the client's input cannot have its Dockerfile elsewhere")
    return {"context": context, "file": "-"}


def _response(export: Export, outcome: Mapping[str, object]) -> dict[str, str]:
    response: dict[str, str] = {}
    if not export.kind or export.is_folder or export.kind == "tar":
        return response
    config = str(outcome["id"])
    response["containerimage.config.digest"] = config
    # Without a registry an image has no manifest: Docker then gives its ID.
    response["containerimage.digest"] = str(outcome["digest"]) or config
    names = outcome["names"] or export.names
    if isinstance(names, list | tuple) and names:
        response["image.name"] = ",".join(names)
    return response


class _Build:
    """One run of the builder."""

    def __init__(
        self,
        service: Service,
        session: Session,
        progress: Progress,
        definition: Definition,
        questions: str,
    ) -> None:
        self._service = service
        self._session = session
        self._progress = progress
        self._definition = definition
        self._questions = questions
        self._connection: Connection | None = None
        self._cancelled = False

    async def run(
        self, ours: Ours, options: dict[str, object], export: Export
    ) -> Mapping[str, object]:
        """The outcome; raises Refused with the place in the Dockerfile."""
        streams: dict[int, int] = {}
        moving: list[asyncio.Task[None]] = []
        try:
            if self._definition.url.startswith(_UPLOADED):
                streams[_STDIN], writer = os.pipe2(os.O_CLOEXEC)
                moving.append(asyncio.create_task(self._upload(self._definition.url, writer)))
            elif options["file"] == "-":
                streams[_STDIN], writer = os.pipe2(os.O_CLOEXEC)
                moving.append(asyncio.create_task(_write(writer, ours.text)))
            if export.is_archive:
                reader, streams[_STDOUT] = os.pipe2(os.O_CLOEXEC)
                moving.append(asyncio.create_task(send_archive(self._session, reader)))
            await asyncio.sleep(0)  # they have begun: what they close is theirs
            outcome = await self._outcome(options, streams, ours)
            await asyncio.gather(*moving)
        except BaseException:
            for task in moving:
                task.cancel()
            await asyncio.gather(*moving, return_exceptions=True)
            raise
        return outcome

    async def _outcome(
        self, options: dict[str, object], streams: dict[int, int], ours: Ours
    ) -> Mapping[str, object]:
        loop = asyncio.get_running_loop()

        def work(engine: Engine) -> Mapping[str, object]:
            try:
                connection = request_solve(engine, options, self._questions, streams)
            finally:
                for descriptor in streams.values():
                    os.close(descriptor)
            self._connection = connection
            try:
                if self._cancelled:  # before there was a connection to end
                    raise Internal("the build was cancelled")
                return self._follow(connection, loop)
            finally:
                connection.close()

        try:
            message = await self._service.workers.run_alone(work)
        except TooManyRequests:  # there is no thread that would
            for descriptor in streams.values():
                os.close(descriptor)
            raise
        except asyncio.CancelledError:
            self._cancelled = True
            if self._connection is not None:
                with suppress(OSError):  # it has just ended
                    self._connection.socket.shutdown(socket.SHUT_RDWR)
            raise
        if "failed" in message:
            failure = message["failed"]
            assert isinstance(failure, dict)
            raise refusal(failure, ours.text)
        built = message["built"]
        assert isinstance(built, dict)
        return built

    def _follow(
        self, connection: Connection, loop: asyncio.AbstractEventLoop
    ) -> Mapping[str, object]:
        """Tell what happens, in a thread, until the last message."""
        for message in connection.controls():
            if "built" in message or "failed" in message:
                return message
            happening = self._happening(message)
            asyncio.run_coroutine_threadsafe(self._progress.add([happening]), loop).result()
        raise Internal("the process that built was killed")

    def _happening(self, message: Mapping[str, object]) -> Happening:
        if (pull := message.get("pull")) is not None:
            assert isinstance(pull, tuple)
            return Pull(*pull)
        if (documents := message.get("warned")) is not None:
            assert isinstance(documents, list)
            return Warned(loading(self._definition), documents)
        event = message["event"]
        assert isinstance(event, tuple)
        return Event(Kind(event[0]), *event[1:])

    async def _upload(self, url: str, writer: int) -> None:
        """Move what the client uploads into a pipe, which this closes."""
        path = url.removeprefix("http://buildkit-session")
        metadata = [("urlpath", path), ("urlhost", "buildkit-session")]
        try:
            outgoing = await self._session.call(_PULL, metadata)
            try:
                async for batch in outgoing.batches():
                    for message in batch:
                        await write_pipe(writer, BYTES.decode(message).data)
            except BrokenPipeError:
                return  # the builder has read enough
            finally:
                await outgoing.close()
        finally:
            os.close(writer)


async def _write(writer: int, data: bytes) -> None:
    """Write it into a pipe, which this closes."""
    try:
        with suppress(BrokenPipeError):  # the builder has read enough
            await write_pipe(writer, data)
    finally:
        os.close(writer)
