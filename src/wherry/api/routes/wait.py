"""POST /containers/{id}/wait: the head at once, the body when it is over.

Nobody sits in a thread for it: the end is an event (see `news`). A shim that is killed publishes
none; its socket's end then makes us look, and whoever looks at such a container records its end.
"""

import asyncio
from contextlib import suppress

from wherry.api import web
from wherry.api.call import Call, json_bytes
from wherry.api.headers import JSON
from wherry.api.routing import Route
from wherry.api.service import Service
from wherry.api.streaming import begin
from wherry.engine.containers.orders import find_live_container
from wherry.errors import InvalidArgument, NotFound
from wherry.shim.client import with_address
from wherry.shim.protocol import request_bytes
from wherry.store.containers import Container

_CONDITIONS = ("not-running", "next-exit", "removed")


async def post_wait(call: Call) -> web.StreamResponse:
    condition = "not-running"
    if call.speaks("1.30"):
        condition = call.query.text("condition", condition)
    if condition not in _CONDITIONS:
        raise InvalidArgument(f'invalid condition: "{condition}"')
    since = call.service.news.now()
    container = await call.do(find_live_container, call.id)
    response = await begin(call, JSON)
    code = container.state.exit_code
    if condition != "not-running" or container.status.has_shim:
        code = await _end_of(call.service, container, condition, since)
    await response.write(json_bytes({"StatusCode": code}))
    await response.write_eof()
    return response


async def _end_of(service: Service, container: Container, condition: str, since: int) -> int:
    code = container.state.exit_code
    watch = _Watch(service, container.id)
    if container.status.has_shim:
        watch.start()
    try:
        async for event in service.news.follow(since):
            if event.actor_id != container.id:
                continue
            if event.action == "start":
                watch.start()
            elif event.action == "die":
                code = int(event.attributes.get("exitCode", "0"))
                if condition != "removed":
                    break
            elif event.action == "destroy":
                break
    finally:
        watch.stop()
    return code


class _Watch:
    """Looks at the container when its shim has gone, in good order or not."""

    def __init__(self, service: Service, container_id: str) -> None:
        self._service = service
        self._id = container_id
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_after_end())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _look_after_end(self) -> None:
        path = str(self._service.run / "containers" / self._id / "shim.sock")
        with suppress(OSError):
            reader, writer = await _connected(path)
            try:
                writer.write(request_bytes("wait", {"condition": "exit"}))
                while await reader.read(1 << 12):
                    pass
            finally:
                writer.close()
        with suppress(NotFound):
            await self._service.workers.run(find_live_container, self._id)


async def _connected(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    found: list[str] = []
    with_address(path, found.append)
    return await asyncio.open_unix_connection(found[0])


ROUTES = (Route("POST", "/containers/{id}/wait", post_wait),)
