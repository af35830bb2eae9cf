"""Connections of HTTP: how much of a request is taken in, and how long it may take to come.

aiohttp waits for ever for the first request of a connection. Whoever opens many and says nothing
would take all descriptors, so here a connection that has not brought the head of a request after a
while is closed; the time between two requests aiohttp bounds itself.
"""

import asyncio
from collections.abc import Awaitable, Callable

from wherry.api import web

PATIENCE = 60.0  # seconds for a request's head
_LONGEST_LINE = 1 << 16  # of filters and credentials

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Connection(web.RequestHandler):
    """One client's, over any number of requests."""

    __slots__ = ("_silence",)
    patience = PATIENCE

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self._silence = loop.call_later(self.patience, transport.close)

    def heard(self) -> None:
        """A request has come."""
        self._silence.cancel()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no HTTP: as Go gives it, and without a traceback in the log."""
        if status != 400:
            return super().handle_error(request, status, exc, message)
        response = web.Response(status=400, text="400 Bad Request")
        response.force_close()
        return response

    def connection_lost(self, exc: BaseException | None) -> None:
        self._silence.cancel()
        super().connection_lost(exc)


def connections(answer: Answer) -> Callable[[], Connection]:
    """What makes a `Connection` for each client; its requests go to `answer`."""

    async def heard(request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, Connection):
            request.protocol.heard()
        return await answer(request)

    manager = web.Server(
        heard,
        handler_cancellation=True,  # who follows a log learns that its client has gone
    )
    loop = asyncio.get_running_loop()
    return lambda: Connection(
        manager,
        loop=loop,
        auto_decompress=False,  # archives are told by their first bytes
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
    )
