"""The service: requests from all its addresses, answered until it is told to end.

    socket ─> aiohttp's parser ─> version, route ─> the route's function ─> threads with engines
                                                 └> errors ─> {"message": ...}

It may end at any moment: containers, attached clients and running execs belong to their shims.
"""

import asyncio
import re
import signal
from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import parse_qs

from wherry.api import web
from wherry.api.call import Call
from wherry.api.connections import connections
from wherry.api.errors import BEGUN, answered
from wherry.api.headers import COMMON
from wherry.api.listeners import Listener
from wherry.api.origin import refuse_strange_origin
from wherry.api.query import Query
from wherry.api.routes.table import routes_of
from wherry.api.routing import Router
from wherry.api.service import Service
from wherry.api.tls import serve_tls
from wherry.api.versions import split_version
from wherry.engine.system.restore import restore_containers
from wherry.errors import InvalidArgument

_MOST_FIELDS = 4096  # of a query: `docker save` names each image in one
_BACKLOG = 1024


class Server:
    """Answers requests of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._router = Router(routes_of)

    async def answer(self, http: web.BaseRequest) -> web.StreamResponse:
        response = await answered(lambda: self._answer(http), lambda: BEGUN in http)
        if not response.prepared:
            for name, value in COMMON.items():
                response.headers.setdefault(name, value)
        return response

    async def _answer(self, http: web.BaseRequest) -> web.StreamResponse:
        refuse_strange_origin(http)
        if http.method == "OPTIONS":  # of anything, known or not
            return web.Response()
        path, _, query = http.raw_path.partition("?")
        if path.startswith("http://"):  # as a proxy is asked
            path = "/" + path.removeprefix("http://").partition("/")[2]
        if "//" in path:
            return _without_gaps(path, query)
        version, path = split_version(path)
        route, names = self._router.find(http.method, path, version)
        if any("\0" in name for name in names.values()):
            raise InvalidArgument("a name holds a NUL byte")
        try:
            values = parse_qs(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise InvalidArgument(f"the query has more than {_MOST_FIELDS} fields") from None
        return await route.handler(Call(http, self._service, version, names, Query(values)))


def _without_gaps(path: str, query: str) -> web.Response:
    """Names of containers begin with a slash where they are listed, and are asked for like that."""
    tidy = re.sub("//+", "/", path)
    return web.Response(status=301, headers={"Location": f"{tidy}?{query}" if query else tidy})


async def serve(service: Service, listeners: Sequence[Listener], ready: Callable[[], None]) -> None:
    """Answer requests until SIGTERM or SIGINT; `ready` is called once the sockets are served."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    http = connections(Server(service).answer)
    servers = [await _listen(loop, http, listener) for listener in listeners]
    restoring = asyncio.create_task(service.workers.run_alone(restore_containers))
    ready()
    try:
        await ended.wait()
    finally:
        restoring.cancel()
        # While they still answer: afterwards another service may have put its own there.
        for listener in listeners:
            listener.remove()
        for server in servers:
            server.close()


async def _listen(
    loop: asyncio.AbstractEventLoop, http: Callable[[], asyncio.Protocol], listener: Listener
) -> asyncio.Server:
    if listener.tls is not None:
        return await asyncio.start_server(
            partial(serve_tls, http, listener.tls), sock=listener.socket, backlog=_BACKLOG
        )
    if listener.is_unix:
        return await loop.create_unix_server(http, sock=listener.socket, backlog=_BACKLOG)
    return await loop.create_server(http, sock=listener.socket, backlog=_BACKLOG)
