"""/_ping, /version, /info, /events, /system/df, and the cluster that is not there."""

import asyncio
import time
from collections.abc import Iterator

from wherry.api import web
from wherry.api.call import Call, json_bytes, json_response
from wherry.api.headers import COMMON, JSON
from wherry.api.older import info_for, usage_for
from wherry.api.routing import Route, refusing
from wherry.api.streaming import begin
from wherry.api.versions import OLDEST_FOR_IMAGES
from wherry.engine.documents.event import (
    check_event_filters,
    event_document,
    passes_event_filters,
)
from wherry.engine.documents.usage import usage_document
from wherry.engine.documents.version import version_document
from wherry.engine.filters import parse_moment
from wherry.engine.system.info import info_document
from wherry.errors import InvalidArgument, NotFound, Unavailable, Unsupported

_PING = {
    **COMMON,
    "Content-Type": "text/plain; charset=utf-8",
    "Builder-Version": "1",
    "Swarm": "inactive",
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
}


class NoSuchPlugin(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f'plugin "{name}" not found')


async def get_ping(call: Call) -> web.Response:
    if call.http.method == "HEAD":
        return web.Response(headers={**_PING, "Content-Length": "0"})
    return web.Response(body=b"OK", headers=_PING)


async def get_version(_call: Call) -> web.Response:
    return json_response(version_document())


async def get_info(call: Call) -> web.Response:
    return json_response(info_for(call.version, await call.do(info_document)))


async def get_events(call: Call) -> web.StreamResponse:
    query, news = call.query, call.service.news
    filters = query.filters()
    check_event_filters(filters)
    since = parse_moment(query.text("since")) if query.has("since") else None
    until = parse_moment(query.text("until")) if query.has("until") else None
    if since is not None and until is not None and until < since:
        raise InvalidArgument("`since` time cannot be after `until` time")
    last = news.now()
    response = await begin(call, JSON)
    patience = None if until is None else max(0.0, (until - time.time_ns()) / 1e9)
    try:
        async with asyncio.timeout(patience):
            # One that ends now has nothing to wait for.
            events = news.follow(
                0 if since is not None else last, stop_at=last if patience == 0 else None
            )
            async for event in events:
                if until is not None and event.time_ns > until:
                    break
                if (since is None or event.time_ns >= since) and passes_event_filters(
                    event, filters
                ):
                    await response.write(json_bytes(event_document(event)))
    except TimeoutError:
        pass  # that was the moment to stop at
    await response.write_eof()
    return response


async def get_df(call: Call) -> web.Response:
    from wherry.engine.system.df import disk_usage  # and with it the builder, for its cache

    kinds = call.query.texts("type")
    for kind in kinds:
        if kind not in ("container", "image", "volume", "build-cache"):
            raise InvalidArgument(f"unknown object type: {kind}")
    usage = await call.do_alone(disk_usage)
    return json_response(usage_for(call.version, await call.do(usage_document, usage, kinds)))


async def get_plugins(_call: Call) -> web.Response:
    return json_response([])


async def get_plugin(call: Call) -> web.Response:
    raise NoSuchPlugin(call.names["name"])


_NO_SWARM = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to'
    " connect this node to swarm and try again."
)
_ALONE = "this engine is of one machine alone: it has no swarm"
_NO_PLUGINS = "this engine has no plugins"
_MANAGED = ("nodes", "services", "tasks", "secrets", "configs")


def _swarm_routes() -> Iterator[Route]:
    """What belongs to a cluster: as an engine answers that is in none."""
    yield refusing("GET", "/swarm", Unavailable, _NO_SWARM)
    yield refusing("GET", "/swarm/unlockkey", Unavailable, _NO_SWARM)
    for word in ("init", "join"):
        yield refusing("POST", f"/swarm/{word}", Unsupported, _ALONE)
    yield refusing("POST", "/swarm/leave", Unavailable, "This node is not part of a swarm")
    for word in ("update", "unlock"):
        yield refusing("POST", f"/swarm/{word}", Unavailable, _NO_SWARM)
    for noun in _MANAGED:
        yield refusing("GET", f"/{noun}", Unavailable, _NO_SWARM)
        yield refusing("GET", f"/{noun}/{{id}}", Unavailable, _NO_SWARM)
        yield refusing("GET", f"/{noun}/{{id}}/logs", Unavailable, _NO_SWARM)
        yield refusing("POST", f"/{noun}/create", Unavailable, _NO_SWARM)
        yield refusing("POST", f"/{noun}/{{id}}/update", Unavailable, _NO_SWARM)
        yield refusing("DELETE", f"/{noun}/{{id}}", Unavailable, _NO_SWARM)


ROUTES = (
    Route("HEAD", "/_ping", get_ping, oldest=OLDEST_FOR_IMAGES),
    Route("GET", "/_ping", get_ping, oldest=OLDEST_FOR_IMAGES),
    Route("GET", "/version", get_version),
    Route("GET", "/info", get_info),
    Route("GET", "/events", get_events),
    Route("GET", "/system/df", get_df),
    Route("GET", "/plugins", get_plugins),
    Route("GET", "/plugins/{name*}/json", get_plugin),
    refusing("GET", "/plugins/privileges", Unsupported, _NO_PLUGINS),
    refusing("POST", "/plugins/{name*}", Unsupported, _NO_PLUGINS),
    refusing("DELETE", "/plugins/{name*}", Unsupported, _NO_PLUGINS),
    *_swarm_routes(),
)
