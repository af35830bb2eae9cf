"""/commit and /build."""

from aiohttp import web

from wherry.api.call import Call, json_response
from wherry.api.routing import Route, refusing
from wherry.engine.containers.commit import commit_container
from wherry.engine.images.tag import parse_tag
from wherry.errors import InvalidArgument, Unsupported


async def post_commit(call: Call) -> web.Response:
    query = call.query
    name = query.text("container")
    if not name:
        raise InvalidArgument("no container is given")
    repository, tag = query.text("repo"), query.text("tag")
    full = f"{repository}:{tag}" if tag else repository
    image_id = await call.do_alone(
        commit_container,
        name,
        parse_tag(full) if repository else None,
        author=query.text("author"),
        message=query.text("comment"),
        changes=[line for text in query.texts("changes") for line in text.split("\n") if line],
        pause=query.flag("pause", default=True),
    )
    return json_response({"Id": str(image_id)}, 201)


async def post_prune(_call: Call) -> web.Response:
    return json_response({"CachesDeleted": None, "SpaceReclaimed": 0})


ROUTES = (
    Route("POST", "/commit", post_commit),
    refusing("POST", "/build", Unsupported, "this engine has no builder yet"),
    Route("POST", "/build/prune", post_prune, since="1.31"),
)
