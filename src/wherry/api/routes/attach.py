"""POST /containers/{id}/attach: a connection becomes a client of the container's streams."""

import asyncio
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wherry.api import web
from wherry.api.attachments import WaitingClient
from wherry.api.bridge import Pair, copy_out, open_pair
from wherry.api.call import Call
from wherry.api.errors import BEGUN
from wherry.api.headers import COMMON
from wherry.api.hijack import Hijacked, go_on, hijack
from wherry.api.routing import Route
from wherry.api.service import Service
from wherry.engine.containers.attach import attach_connection
from wherry.engine.containers.logs import LogNotReadable, container_logs
from wherry.engine.containers.orders import find_live_container
from wherry.engine.engine import Engine
from wherry.errors import Conflict, InvalidArgument, Unavailable, WherryError
from wherry.shim.detach_keys import parse_detach_keys
from wherry.shim.errors import CannotAttach
from wherry.shim.log.reader import LogRequest
from wherry.shim.protocol import STDOUT, frame
from wherry.store.containers import Container, Status

if TYPE_CHECKING:
    from aiohttp.web_ws import WebSocketResponse


async def post_attach(call: Call) -> web.StreamResponse:
    query, service = call.query, call.service
    since = service.news.now()  # before the look at the container: no start may be missed
    container = await call.do(find_live_container, call.id)
    keys = parse_detach_keys(query.text("detachKeys"))
    _check(container)
    streams = {name: query.flag(name) for name in ("stdin", "stdout", "stderr")}
    tty = container.config.tty
    connection = await hijack(call, tty=tty)
    wanted: dict[str, object] = {
        **streams,
        "stdin": streams["stdin"] and container.config.open_stdin,
        "keys": keys if tty else b"",
        "controls": False,
        "bare": tty,
        "early": connection.early,
    }
    client = WaitingClient(connection, wanted)
    modes = (query.flag("logs"), query.flag("stream"))
    return await go_on(call, _attach_taken(service, container, client, modes, since))


async def _attach_taken(
    service: Service,
    container: Container,
    client: WaitingClient,
    modes: tuple[bool, bool],
    since: int,
) -> None:
    logs, stream = modes
    # What has never run has no log, and its client is to be among those who wait for its start.
    if logs and container.status is not Status.CREATED:
        stream &= await service.workers.run_alone(_send_logs, container.id, client)
    if not stream:
        client.connection.close()
    elif container.status.has_process:
        await attach_now(service, container.id, client)
    elif service.waiting.add(container.id, client):
        await _watch(service, container.id, since)
    else:
        client.connection.close()


async def get_attach_ws(call: Call) -> web.StreamResponse:
    """The same in WebSocket's frames, which have no other framing inside."""
    query, service = call.query, call.service
    since = service.news.now()
    container = await call.do(find_live_container, call.id)
    keys = parse_detach_keys(query.text("detachKeys"))
    _check(container)
    socket = web.web_socket()
    socket.headers.update(COMMON)
    if not socket.can_prepare(call.http):
        raise InvalidArgument("this is not the beginning of a WebSocket of version 13")
    call.http[BEGUN] = True
    await socket.prepare(call.http)
    pair = await open_pair()
    every = not call.speaks("1.42")  # whatever was asked for
    wanted: dict[str, object] = {
        "stdin": (every or query.flag("stdin")) and container.config.open_stdin,
        "stdout": every or query.flag("stdout"),
        "stderr": every or query.flag("stderr"),
        "keys": keys if container.config.tty else b"",
        "controls": False,
        "bare": True,
    }
    client = WaitingClient(Hijacked(pair.theirs.detach(), b""), wanted)
    modes = (query.flag("logs"), query.flag("stream"))
    service.spawn(_attach_taken(service, container, client, modes, since))
    work = {
        asyncio.create_task(copy_out(pair, socket.send_bytes)),
        asyncio.create_task(_copy_in(socket, pair)),
    }
    try:
        await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in work:
            task.cancel()
        pair.writer.close()
    await socket.close()
    return socket


async def _copy_in(socket: "WebSocketResponse", pair: Pair) -> None:
    async for message in socket:
        data = message.data
        pair.writer.write(data.encode() if isinstance(data, str) else data)
        await pair.writer.drain()


def _check(container: Container) -> None:
    if container.status is Status.PAUSED:
        raise Conflict(f"container {container.name} is paused, unpause the container before attach")
    if container.status is Status.RESTARTING:
        raise Conflict(
            f"container {container.name} is restarting, wait until the container is running"
        )


async def attach_now(service: Service, container_id: str, client: WaitingClient) -> None:
    """Hand the connection to the shim of a running container; one that has just ended closes it."""
    try:
        await service.workers.run(_attach, container_id, client)
    except (CannotAttach, Unavailable):
        return  # the client reads the end
    finally:
        client.connection.close()


def _attach(engine: Engine, container_id: str, client: WaitingClient) -> None:
    container = find_live_container(engine, container_id)
    attach_connection(engine, container, client.connection.descriptor, client.wanted)


async def _watch(service: Service, container_id: str, since: int) -> None:
    """Attach those who wait when another process has started the container, or let them go."""
    async for event in service.news.follow(since):
        if event.actor_id != container_id or event.action not in ("start", "destroy"):
            continue
        for client in service.waiting.take(container_id):
            if event.action == "start":
                await attach_now(service, container_id, client)
            client.connection.close()
        return


def _send_logs(engine: Engine, container_id: str, client: WaitingClient) -> bool:
    """What was written so far, on the connection, before anything new, which may follow."""
    wanted = client.wanted
    request = LogRequest(stdout=bool(wanted["stdout"]), stderr=bool(wanted["stderr"]))
    try:
        for piece in _pieces(engine, container_id, request, bare=bool(wanted["bare"])):
            _write(client.connection, piece)
    except LogNotReadable as error:
        text = f"Error attaching: {error.message}\n".encode()
        _write(client.connection, text if wanted["bare"] else frame(STDOUT, text))
        return False
    except (OSError, WherryError):
        pass  # the client has gone, or the log is damaged
    return True


def _pieces(
    engine: Engine, container_id: str, request: LogRequest, *, bare: bool
) -> Iterator[bytes]:
    for stream, text in container_logs(engine, container_id, request):
        yield text if bare else frame(stream, text)


def _write(connection: Hijacked, data: bytes) -> None:
    os.set_blocking(connection.descriptor, True)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(connection.descriptor, rest) :]


ROUTES = (
    Route("POST", "/containers/{id}/attach", post_attach),
    Route("GET", "/containers/{id}/attach/ws", get_attach_ws),
)
