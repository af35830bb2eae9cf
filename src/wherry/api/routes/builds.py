"""/commit and /build."""

import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from wherry.api import web
from wherry.api.call import Call, json_response
from wherry.api.headers import JSON
from wherry.api.progress import progress_error
from wherry.api.requests.build import read_build
from wherry.api.requests.container import read_image_defaults
from wherry.api.routing import Route
from wherry.api.streaming import body_file, stream
from wherry.engine.builds.prune import prune_cache
from wherry.engine.builds.request import request_build
from wherry.engine.containers.commit import commit_container
from wherry.engine.engine import Engine
from wherry.engine.images.tag import parse_tag
from wherry.errors import Internal, InvalidArgument
from wherry.shim.client import Connection, error_of
from wherry.shim.protocol import CONTROL, STDOUT, parse_control


async def post_commit(call: Call) -> web.Response:
    query = call.query
    name = query.text("container")
    if not name:
        raise InvalidArgument("no container is given")
    repository, tag = query.text("repo"), query.text("tag")
    full = f"{repository}:{tag}" if tag else repository
    fields = await call.fields()
    image_id = await call.do_alone(
        commit_container,
        name,
        parse_tag(full) if repository else None,
        author=query.text("author"),
        message=query.text("comment"),
        changes=[line for text in query.texts("changes") for line in text.split("\n") if line],
        pause=query.flag("pause", default=True),
        config=None if fields.is_empty else read_image_defaults(fields),
    )
    return json_response({"Id": str(image_id)}, 201)


async def post_build(call: Call) -> web.StreamResponse:
    if call.query.text("version") == "2":
        # HTTP/2 and the builder's messages, for who builds with a session.
        from wherry.api.buildkit.builder import builder_of
        from wherry.api.buildkit.older_builds import build_with_session

        return await build_with_session(call, builder_of(call.service))
    options = read_build(call)
    quiet = call.query.flag("q")
    build_id = call.query.text("buildid")
    builds = call.service.builds

    def produce(engine: Engine, stop: int) -> Iterator[bytes]:
        with body_file(call) as context:
            connection = request_build(engine, options, context.fileno(), quiet=quiet)
        if build_id:
            builds[build_id] = partial(_end, connection)
        try:
            yield from _messages(connection, stop)
        finally:
            builds.pop(build_id, None)
            connection.close()

    return await stream(call, JSON, produce, failed=progress_error)


def _messages(connection: Connection, stop: int) -> Iterator[bytes]:
    """The builder's lines as they come; it is done, or the client gone, when they end."""
    poll = select.poll()
    for descriptor in (connection.fileno(), stop):
        poll.register(descriptor, select.POLLIN)
    while True:
        if any(descriptor == stop for descriptor, _ in poll.poll()):
            return
        frames = connection.receive()
        if frames is None:
            raise BuildEnded
        for kind, body in frames:
            if kind == STDOUT:
                yield body
            elif kind == CONTROL:
                message = parse_control(body)
                if "error" in message:
                    raise error_of(message["error"])
                return


class BuildEnded(Internal):
    """Cancelled, or its process was killed."""

    def __init__(self) -> None:
        super().__init__("the build was cancelled")


async def post_cancel(call: Call) -> web.Response:
    build_id = call.query.text("id")
    if not build_id:
        raise InvalidArgument("build ID not provided")
    cancel = call.service.builds.get(build_id)
    if cancel is not None:
        cancel()
    return web.Response()


def _end(connection: Connection) -> None:
    with suppress(OSError):  # it has just ended
        connection.socket.shutdown(socket.SHUT_RDWR)


async def post_prune(call: Call) -> web.Response:
    query = call.query
    reserved = query.integer("reserved-space") or query.integer("keep-storage")
    pruned = await call.do_alone(
        prune_cache,
        query.filters(),
        everything=query.flag("all"),
        reserved_space=reserved,
        max_used_space=query.integer("max-used-space"),
        min_free_space=query.integer("min-free-space"),
    )
    ids = [entry.id for entry in pruned.entries]
    return json_response({"CachesDeleted": ids or None, "SpaceReclaimed": pruned.space_reclaimed})


ROUTES = (
    Route("POST", "/commit", post_commit),
    Route("POST", "/build", post_build),
    Route("POST", "/build/cancel", post_cancel),
    Route("POST", "/build/prune", post_prune, since="1.31"),
)
