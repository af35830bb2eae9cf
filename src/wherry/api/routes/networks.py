"""/networks."""

from aiohttp import web

from wherry.api.call import Call, json_response
from wherry.api.routing import Route
from wherry.engine.engine import Engine
from wherry.engine.networks.inspect import inspect_network
from wherry.engine.networks.list import list_networks
from wherry.errors import Unsupported


async def get_networks(call: Call) -> web.Response:
    return json_response(await call.do(_list, call.query.filters()))


def _list(engine: Engine, filters: dict[str, tuple[str, ...]]) -> list[dict[str, object]]:
    networks = list_networks(engine, filters)
    # Who is on a network is told of one at a time, as in Docker.
    return [inspect_network(engine, network.id) | {"Containers": {}} for network in networks]


async def get_one(call: Call) -> web.Response:
    return json_response(await call.do(inspect_network, call.id))


async def not_yet(_call: Call) -> web.Response:
    raise Unsupported("this engine has no networks but bridge, host and none")


ROUTES = (
    Route("GET", "/networks", get_networks),
    Route("GET", "/networks/{id}", get_one),
    Route("POST", "/networks/create", not_yet),
    Route("POST", "/networks/prune", not_yet, since="1.25"),
    Route("POST", "/networks/{id}/connect", not_yet),
    Route("POST", "/networks/{id}/disconnect", not_yet),
    Route("DELETE", "/networks/{id}", not_yet),
)
