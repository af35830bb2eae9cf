"""POST /grpc and POST /session: connections that become HTTP/2, see `api.buildkit`."""

from typing import TYPE_CHECKING

from aiohttp import web

from wherry.api.call import Call
from wherry.api.hijack import go_on, upgrade
from wherry.api.routing import Route
from wherry.errors import InvalidArgument

if TYPE_CHECKING:
    from wherry.api.buildkit.builder import Builder

_PROTOCOL = "h2c"
_METHOD = "X-Docker-Expose-Session-Grpc-Method"


def _builder(call: Call) -> "Builder":
    # HTTP/2 and the builder's messages, for services that BuildKit's clients use.
    from wherry.api.buildkit.builder import builder_of

    return builder_of(call.service)


def _check_upgrade(call: Call) -> None:
    protocol = call.http.headers.get("Upgrade", "")
    if not protocol:
        raise InvalidArgument("no upgrade proto in request")
    if protocol.lower() != _PROTOCOL:
        raise InvalidArgument(f"protocol {protocol} not supported")


async def post_grpc(call: Call) -> web.StreamResponse:
    _check_upgrade(call)
    builder = _builder(call)
    connection = await upgrade(call, _PROTOCOL)
    return await go_on(call, builder.serve_calls(connection))


async def post_session(call: Call) -> web.StreamResponse:
    _check_upgrade(call)
    builder = _builder(call)
    headers = call.http.headers
    session = builder.sessions.offered(headers, headers.getall(_METHOD, []))
    connection = await upgrade(call, _PROTOCOL)
    return await go_on(call, builder.serve_session(connection, session))


ROUTES = (
    Route("POST", "/grpc", post_grpc),
    Route("POST", "/session", post_session),
)
