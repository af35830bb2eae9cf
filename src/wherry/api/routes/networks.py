"""/networks."""

from wherry.api import web
from wherry.api.call import Call, json_response
from wherry.api.fields import Fields
from wherry.api.older import lists_members
from wherry.api.requests.networking import read_endpoint
from wherry.api.routing import Route
from wherry.engine.engine import Engine
from wherry.engine.networks.connect import connect_network, disconnect_network
from wherry.engine.networks.create import NetworkRequest, create_network
from wherry.engine.networks.inspect import inspect_network
from wherry.engine.networks.list import list_networks
from wherry.engine.networks.remove import prune_networks, remove_network
from wherry.engine.networks.subnets import SubnetRequest
from wherry.errors import InvalidArgument, PermissionDenied, Unsupported
from wherry.store.networks import NetworkNotFound


async def get_networks(call: Call) -> web.Response:
    members = lists_members(call.version)
    return json_response(await call.do(_list, call.query.filters(), members=members))


def _list(
    engine: Engine, filters: dict[str, tuple[str, ...]], *, members: bool
) -> list[dict[str, object]]:
    documents = [inspect_network(engine, each.id) for each in list_networks(engine, filters)]
    return documents if members else [each | {"Containers": {}} for each in documents]


async def get_one(call: Call) -> web.Response:
    scope = call.query.text("scope")  # `verbose` is about tasks of a swarm, of which there are none
    if scope not in ("", "local"):
        raise NetworkNotFound(call.id)
    return json_response(await call.do(inspect_network, call.id))


async def post_create(call: Call) -> web.Response:
    fields = await call.fields(required=True)
    for key in ("ConfigOnly", "ConfigFrom", "Ingress"):
        if fields.flag(key) if key != "ConfigFrom" else fields.inner(key).has("Network"):
            raise Unsupported(f"{key}: networks of a swarm are not supported")
    if fields.text("Scope") == "swarm":
        raise PermissionDenied("cannot create a swarm scoped network when swarm is not active")
    if fields.text("Scope") not in ("", "local"):
        raise InvalidArgument(f"invalid network scope: {fields.text('Scope')}")
    network = await call.do_alone(create_network, _request(fields, knows_ipv4=call.speaks("1.48")))
    return json_response({"Id": network.id, "Warning": ""}, 201)


def _request(fields: Fields, *, knows_ipv4: bool) -> NetworkRequest:
    ipam = fields.inner("IPAM")
    if ipam.text("Driver") not in ("", "default") or ipam.pairs("Options"):
        raise Unsupported("IPAM: the only driver is default, and it has no options")
    return NetworkRequest(
        name=fields.text("Name"),
        driver=fields.text("Driver") or "bridge",
        subnets=[
            SubnetRequest(
                subnet=pool.text("Subnet"),
                gateway=pool.text("Gateway"),
                ip_range=pool.text("IPRange"),
                auxiliary=pool.pairs("AuxiliaryAddresses") or pool.pairs("AuxAddress"),
            )
            for pool in ipam.objects("Config")
        ],
        internal=fields.flag("Internal"),
        attachable=fields.flag("Attachable"),
        ipv4=fields.flag("EnableIPv4") if knows_ipv4 and fields.has("EnableIPv4") else None,
        ipv6=fields.flag("EnableIPv6") if fields.has("EnableIPv6") else None,
        options=fields.pairs("Options"),
        labels=fields.pairs("Labels"),
        ipam_options=ipam.has("Options"),
    )


async def post_connect(call: Call) -> web.Response:
    fields = await call.fields(required=True)
    attachment = read_endpoint(call.id, fields.inner("EndpointConfig"))
    await call.do_alone(connect_network, fields.text("Container"), attachment)
    return web.Response(status=200)


async def post_disconnect(call: Call) -> web.Response:
    fields = await call.fields(required=True)
    await call.do_alone(
        disconnect_network, call.id, fields.text("Container"), force=fields.flag("Force")
    )
    return web.Response(status=200)


async def delete_one(call: Call) -> web.Response:
    await call.do_alone(remove_network, call.id)
    return web.Response(status=204)


async def post_prune(call: Call) -> web.Response:
    removed = await call.do_alone(prune_networks, call.query.filters())
    return json_response({"NetworksDeleted": removed or None})


ROUTES = (
    Route("GET", "/networks", get_networks),
    Route("GET", "/networks/{id}", get_one),
    Route("POST", "/networks/create", post_create),
    Route("POST", "/networks/prune", post_prune, since="1.25"),
    Route("POST", "/networks/{id}/connect", post_connect),
    Route("POST", "/networks/{id}/disconnect", post_disconnect),
    Route("DELETE", "/networks/{id}", delete_one),
)
