"""/containers: making, looking at, starting, ending and removing them."""

from wherry.api import web
from wherry.api.attachments import TOGETHER
from wherry.api.call import Call, InvalidBody, json_response, no_content
from wherry.api.older import container_for
from wherry.api.requests.container import read_container, read_restart_policy
from wherry.api.requests.refusals import refuse_unchangeable
from wherry.api.requests.resources import read_resources
from wherry.api.requests.warnings import request_warnings, resource_warnings
from wherry.api.routes.attach import attach_now
from wherry.api.routing import Route, refusing
from wherry.engine.containers.create import create_container
from wherry.engine.containers.diff import container_changes
from wherry.engine.containers.inspect import inspect_container
from wherry.engine.containers.kill import kill_container
from wherry.engine.containers.list import list_summaries
from wherry.engine.containers.orders import find_live_container
from wherry.engine.containers.pause import pause_container
from wherry.engine.containers.prune import prune_containers
from wherry.engine.containers.remove import remove_container
from wherry.engine.containers.remove_link import remove_link
from wherry.engine.containers.rename import rename_container
from wherry.engine.containers.resize import resize_container
from wherry.engine.containers.restart import restart_container
from wherry.engine.containers.start import start_with_clients
from wherry.engine.containers.stop import stop_container
from wherry.engine.containers.top import container_processes
from wherry.engine.containers.unpause import unpause_container
from wherry.engine.containers.update import update_container
from wherry.engine.engine import Engine
from wherry.engine.images.resolve import PullPolicy
from wherry.errors import (
    Conflict,
    InvalidArgument,
    MissingImage,
    NotFound,
    NotModified,
    Unsupported,
)
from wherry.oci.container_config import ContainerConfig
from wherry.shim.detach_keys import parse_detach_keys
from wherry.store.containers import Container, NoSuchContainer, Status
from wherry.values import replace

_NO_CHECKPOINTS = "containers have no checkpoints here"
_KINDS = {"C": 0, "A": 1, "D": 2}


async def get_containers(call: Call) -> web.Response:
    query = call.query
    documents = await call.do(
        list_summaries,
        all_states=query.flag("all"),
        limit=max(0, query.integer("limit")),
        size=query.flag("size"),
        filters=query.filters(),
    )
    return json_response(documents)


async def post_create(call: Call) -> web.Response:
    fields = await call.fields(required=True)
    config = read_container(fields, call.query.text("platform"), call.version)
    container = await call.do(_create, config, call.query.text("name") or None)
    warnings = [
        *_texts(container.details.extra.get("warnings")),
        *request_warnings(fields, call.version),
    ]
    return json_response({"Id": container.id, "Warnings": warnings}, 201)


def _texts(value: object) -> list[str]:
    return [str(text) for text in value] if isinstance(value, (list, tuple)) else []


def _create(engine: Engine, config: ContainerConfig, name: str | None) -> Container:
    try:
        # The client pulls, with credentials and progress, when it reads of a missing image.
        return create_container(engine, config, name, pull=PullPolicy.NEVER)
    except MissingImage:
        raise
    except NotFound as error:
        # Nothing else may be a 404 here: clients would pull an image.
        raise InvalidArgument(error.message) from error


async def get_container(call: Call) -> web.Response:
    document = await call.do(inspect_container, call.id, size=call.query.flag("size"))
    document["ExecIDs"] = call.service.execs.running_in(str(document["Id"])) or None
    return json_response(container_for(call.version, document))


async def post_start(call: Call) -> web.Response:
    if call.has_body and await call.http.content.read(1):
        raise InvalidBody(
            "starting container with non-empty request body was deprecated since API v1.22 and"
            " removed in v1.24"
        )
    if call.query.has("checkpoint") or call.query.has("checkpoint-dir"):
        raise InvalidArgument("checkpoint is only supported in experimental mode")
    keys = parse_detach_keys(call.query.text("detachKeys"))
    container = await call.do(find_live_container, call.id)
    if container.status.has_shim and container.status is not Status.PAUSED:
        raise NotModified("it runs already")
    clients = call.service.waiting.take(container.id)
    if call.query.has("detachKeys") and container.config.tty:
        for client in clients:
            client.wanted["keys"] = keys
    now, later = clients[:TOGETHER], clients[TOGETHER:]
    try:
        await call.do_alone(
            start_with_clients,
            container.id,
            [(client.connection.descriptor, client.wanted) for client in now],
        )
        for client in later:
            await attach_now(call.service, container.id, client)
    finally:
        for client in clients:
            client.connection.close()
    return no_content()


async def post_stop(call: Call) -> web.Response:
    stopped = await call.do_alone(
        stop_container, call.id, signal=call.query.text("signal"), timeout=_timeout(call)
    )
    if not stopped:
        raise NotModified("it does not run")
    return no_content()


async def post_restart(call: Call) -> web.Response:
    await call.do_alone(
        restart_container, call.id, signal=call.query.text("signal"), timeout=_timeout(call)
    )
    return no_content()


def _timeout(call: Call) -> float | None:
    seconds = call.query.optional_integer("t")
    return None if seconds is None else float(seconds)


async def post_kill(call: Call) -> web.Response:
    await call.do_alone(kill_container, call.id, call.query.text("signal", "KILL"))
    return no_content()


async def post_pause(call: Call) -> web.Response:
    await call.do(pause_container, call.id)
    return no_content()


async def post_unpause(call: Call) -> web.Response:
    await call.do(unpause_container, call.id)
    return no_content()


async def post_rename(call: Call) -> web.Response:
    await call.do(rename_container, call.id, call.query.text("name"))
    return no_content()


async def post_resize(call: Call) -> web.Response:
    height, width = window_size(call)
    await call.do(resize_container, call.id, height=height, width=width)
    return web.Response()


def window_size(call: Call) -> tuple[int, int]:
    height, width = call.query.optional_integer("h"), call.query.optional_integer("w")
    if height is None or width is None:
        raise InvalidArgument("invalid resize height or width: both h and w are needed")
    if not (0 <= height < 1 << 16 and 0 <= width < 1 << 16):
        raise InvalidArgument(f"invalid resize height or width: {height}, {width}")
    return height, width


async def post_update(call: Call) -> web.Response:
    fields = await call.fields(required=True)
    refuse_unchangeable(fields)
    limits = read_resources(fields)
    if not call.speaks("1.40"):  # where 0 meant what null does since
        limits = replace(limits, pids_limit=None)
    policy = read_restart_policy(fields) if fields.inner("RestartPolicy").text("Name") else None
    warnings = await call.do(update_container, call.id, limits, policy)
    return json_response({"Warnings": [*warnings, *resource_warnings(fields, call.version)]})


async def delete_container(call: Call) -> web.Response:
    query = call.query
    if query.flag("link"):
        raise Conflict("Conflict, cannot remove the default link name of the container")
    container = await call.do(find_live_container, call.id)
    await call.do_alone(
        remove_container, call.id, force=query.flag("force"), volumes=query.flag("v")
    )
    for client in call.service.waiting.take(container.id):
        client.connection.close()
    call.service.execs.forget_container(container.id)
    return no_content()


async def delete_link(call: Call) -> web.Response:
    """A name of another container that this one has by --link."""
    parent, alias = call.id, call.names["alias"]
    if not call.query.flag("link"):
        raise NoSuchContainer(f"{parent}/{alias}")
    await call.do(remove_link, parent, alias)
    return no_content()


async def get_top(call: Call) -> web.Response:
    words = call.query.text("ps_args")
    table = await call.do_alone(container_processes, call.id, [words] if words else [])
    return json_response({"Titles": table.titles, "Processes": table.rows})


async def get_changes(call: Call) -> web.Response:
    changes = await call.do_alone(container_changes, call.id)
    documents = [{"Path": each.path, "Kind": _KINDS[each.kind.value]} for each in changes]
    return json_response(documents or None)


async def post_prune(call: Call) -> web.Response:
    pruned = await call.do_alone(prune_containers, call.query.filters())
    return json_response(
        {"ContainersDeleted": list(pruned.ids) or None, "SpaceReclaimed": pruned.space_reclaimed}
    )


ROUTES = (
    Route("GET", "/containers/json", get_containers),
    Route("POST", "/containers/create", post_create),
    Route("POST", "/containers/prune", post_prune, since="1.25"),
    Route("GET", "/containers/{id}/json", get_container),
    Route("POST", "/containers/{id}/start", post_start),
    Route("POST", "/containers/{id}/stop", post_stop),
    Route("POST", "/containers/{id}/restart", post_restart),
    Route("POST", "/containers/{id}/kill", post_kill),
    Route("POST", "/containers/{id}/pause", post_pause),
    Route("POST", "/containers/{id}/unpause", post_unpause),
    Route("POST", "/containers/{id}/rename", post_rename),
    Route("POST", "/containers/{id}/resize", post_resize),
    Route("POST", "/containers/{id}/update", post_update),
    Route("GET", "/containers/{id}/top", get_top),
    Route("GET", "/containers/{id}/changes", get_changes),
    refusing("GET", "/containers/{id}/checkpoints", Unsupported, _NO_CHECKPOINTS),
    refusing("POST", "/containers/{id}/checkpoints", Unsupported, _NO_CHECKPOINTS),
    refusing("DELETE", "/containers/{id}/checkpoints/{name}", Unsupported, _NO_CHECKPOINTS),
    Route("DELETE", "/containers/{id}", delete_container),
    Route("DELETE", "/containers/{id}/{alias}", delete_link),
)
