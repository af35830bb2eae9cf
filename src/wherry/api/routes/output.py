"""What a container has written and uses: logs and statistics."""

from collections.abc import Iterator

from wherry.api import web
from wherry.api.call import Call, json_bytes, json_response
from wherry.api.headers import JSON
from wherry.api.hijack import MULTIPLEXED, RAW
from wherry.api.routing import Route
from wherry.api.streaming import stream
from wherry.engine.containers.logs import check_readable, container_logs
from wherry.engine.containers.orders import find_live_container
from wherry.engine.containers.stats import container_stats, follow_container_stats
from wherry.engine.engine import Engine
from wherry.engine.filters import parse_moment
from wherry.errors import InvalidArgument, WherryError
from wherry.shim.log.reader import ALL, LogRequest
from wherry.shim.protocol import ERROR, frame


async def get_logs(call: Call) -> web.StreamResponse:
    query = call.query
    stdout, stderr = query.flag("stdout"), query.flag("stderr")
    if not (stdout or stderr):
        raise InvalidArgument("Bad parameters: you must choose at least one stream")
    request = LogRequest(
        stdout=stdout,
        stderr=stderr,
        since=_moment(query.text("since")),
        until=_moment(query.text("until")),
        tail=_tail(query.text("tail")),
        timestamps=query.flag("timestamps"),
        details=query.flag("details"),
    )
    container = await call.do(find_live_container, call.id)
    await call.do(check_readable, container)
    tty = container.config.tty
    follow = query.flag("follow")

    def produce(engine: Engine, stop: int) -> Iterator[bytes]:
        pieces = container_logs(engine, container.id, request, follow=follow, stop=stop)
        return (text for _, text in pieces) if tty else (_framed(*piece) for piece in pieces)

    kind = MULTIPLEXED if call.speaks("1.42") and not tty else RAW

    def failed(error: WherryError) -> bytes:
        text = f"{error.message}\n".encode()
        return text if tty else frame(ERROR, text)

    return await stream(call, {"Content-Type": kind}, produce, at_once=True, failed=failed)


def _framed(stream: int, text: bytes) -> bytes:
    """A frame for each line, as Docker has it: clients take a frame for a line."""
    *lines, rest = text.split(b"\n")
    frames = [frame(stream, line + b"\n") for line in lines]
    return b"".join([*frames, frame(stream, rest)] if rest else frames)


def _moment(text: str) -> int:
    """Unix seconds, with or without a fraction; 0 is no bound."""
    return 0 if text in ("", "0") else parse_moment(text)


def _tail(text: str) -> int:
    """What is no number means all."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else ALL


async def get_stats(call: Call) -> web.StreamResponse:
    if not call.query.flag("stream", default=True):
        one_shot = call.query.flag("one-shot") and call.speaks("1.41")
        return json_response(await call.do_alone(container_stats, call.id, one_shot=one_shot))
    if call.query.flag("one-shot"):
        raise InvalidArgument("cannot have stream=true and one-shot=true")
    container = await call.do(find_live_container, call.id)

    def produce(engine: Engine, _stop: int) -> Iterator[bytes]:
        return map(json_bytes, follow_container_stats(engine, container.id))

    return await stream(call, JSON, produce, at_once=True, failed=lambda _error: b"")


ROUTES = (
    Route("GET", "/containers/{id}/logs", get_logs),
    Route("GET", "/containers/{id}/stats", get_stats),
)
