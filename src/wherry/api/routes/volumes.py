"""/volumes."""

from wherry.api import web
from wherry.api.call import Call, json_response, no_content
from wherry.api.routing import Route, refusing
from wherry.engine.documents.volume import volume_document
from wherry.engine.engine import Engine
from wherry.engine.volumes.create import create_volume
from wherry.engine.volumes.list import list_volumes
from wherry.engine.volumes.prune import prune_volumes
from wherry.engine.volumes.remove import remove_volume
from wherry.errors import Unavailable, Unsupported
from wherry.store.volumes import get_volume


async def get_volumes(call: Call) -> web.Response:
    return json_response({"Volumes": await call.do(_list, call.query.filters()), "Warnings": None})


def _list(engine: Engine, filters: dict[str, tuple[str, ...]]) -> list[dict[str, object]]:
    return [volume_document(engine.store, volume) for volume in list_volumes(engine, filters)]


async def post_create(call: Call) -> web.Response:
    fields = await call.fields()
    if fields.has("ClusterVolumeSpec"):
        raise Unsupported("volumes of a cluster need a swarm, which this engine has not")
    document = await call.do(
        _create,
        fields.text("Name"),
        fields.text("Driver") or "local",
        fields.pairs("DriverOpts"),
        fields.pairs("Labels"),
    )
    return json_response(document, 201)


def _create(
    engine: Engine, name: str, driver: str, options: dict[str, str], labels: dict[str, str]
) -> dict[str, object]:
    volume = create_volume(engine, name, driver=driver, options=options, labels=labels)
    return volume_document(engine.store, volume)


async def get_one(call: Call) -> web.Response:
    return json_response(await call.do(_inspect, call.id))


def _inspect(engine: Engine, name: str) -> dict[str, object]:
    return volume_document(engine.store, get_volume(engine.store, name))


async def delete_volume(call: Call) -> web.Response:
    await call.do_alone(remove_volume, call.id, force=call.query.flag("force"))
    return no_content()


async def post_prune(call: Call) -> web.Response:
    filters = call.query.filters()
    if not call.speaks("1.42"):
        filters = {"all": ("true",), **filters}  # older engines took those with names, too
    pruned = await call.do_alone(prune_volumes, filters)
    return json_response(
        {"VolumesDeleted": list(pruned.names) or None, "SpaceReclaimed": pruned.space_reclaimed}
    )


ROUTES = (
    Route("GET", "/volumes", get_volumes),
    Route("POST", "/volumes/create", post_create),
    Route("POST", "/volumes/prune", post_prune, since="1.25"),
    Route("GET", "/volumes/{id}", get_one),
    Route("DELETE", "/volumes/{id}", delete_volume),
    refusing(
        "PUT", "/volumes/{id}", Unavailable, "this engine is in no swarm, and has its volumes"
    ),
)
