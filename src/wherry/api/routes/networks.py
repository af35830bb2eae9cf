"""/networks."""

from aiohttp import web

from wherry.api.call import Call, json_response
from wherry.api.routing import Route, refusing
from wherry.engine.engine import Engine
from wherry.engine.filters import check_keys
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


async def post_prune(call: Call) -> web.Response:
    check_keys(call.query.filters(), _PRUNE_KEYS)
    return json_response({"NetworksDeleted": None})  # the built-in ones stay


_PRUNE_KEYS = frozenset({"label", "label!", "until"})
_BUILT_IN_ALONE = "this engine has no networks but bridge, host and none"

ROUTES = (
    Route("GET", "/networks", get_networks),
    Route("GET", "/networks/{id}", get_one),
    refusing("POST", "/networks/create", Unsupported, _BUILT_IN_ALONE),
    Route("POST", "/networks/prune", post_prune, since="1.25"),
    refusing("POST", "/networks/{id}/connect", Unsupported, _BUILT_IN_ALONE),
    refusing("POST", "/networks/{id}/disconnect", Unsupported, _BUILT_IN_ALONE),
    refusing("DELETE", "/networks/{id}", Unsupported, _BUILT_IN_ALONE),
)
