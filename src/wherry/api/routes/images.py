"""/images: lists, documents, names, archives."""

from collections.abc import Iterator

from wherry.api import web
from wherry.api.call import Call, json_response
from wherry.api.headers import JSON
from wherry.api.older import image_for, image_summary_for
from wherry.api.progress import Loading, progress, progress_error
from wherry.api.requests.platform import parse_platform, read_platform
from wherry.api.routes.registry import pull
from wherry.api.routing import Route
from wherry.api.streaming import Tell, body_chunks, body_file, stream, stream_told
from wherry.api.versions import OLDEST_FOR_IMAGES
from wherry.engine.documents.image import (
    deleted_document,
    summary_document,
    untagged_document,
)
from wherry.engine.engine import Engine
from wherry.engine.images.history import image_history
from wherry.engine.images.import_ import import_image
from wherry.engine.images.inspect import inspect_image
from wherry.engine.images.list import select_images
from wherry.engine.images.load import load_images
from wherry.engine.images.manifests import manifest_summaries
from wherry.engine.images.prune import prune_images
from wherry.engine.images.remove import Removal, remove_image
from wherry.engine.images.save import save_images
from wherry.engine.images.tag import tag_image
from wherry.errors import InvalidArgument, WherryError
from wherry.images.download import downloaded, is_url
from wherry.oci.digest import Digest
from wherry.oci.platform import Platform
from wherry.store.images import image_of_id, shared_sizes

_TAR = {"Content-Type": "application/x-tar"}


async def get_images(call: Call) -> web.Response:
    return json_response(await call.do(_summaries, call))


def _summaries(engine: Engine, call: Call) -> list[dict[str, object]]:
    query = call.query
    filters = query.filters()
    if not call.speaks("1.41") and query.has("filter"):  # before it became one of the filters
        filters["reference"] = (query.text("filter"),)
    listed = select_images(engine, all_images=query.flag("all"), filters=filters)
    shared = {}
    if query.flag("shared-size") and call.speaks("1.42"):
        shared = shared_sizes(engine.store.database.connection)
    with_manifests = query.flag("manifests") and call.speaks("1.47")
    documents = []
    for each in listed:
        document = summary_document(each.image, list(each.names))
        document = image_summary_for(call.version, document)
        if shared:
            document["SharedSize"] = shared.get(each.image.id, 0)
        if with_manifests:
            document["Manifests"] = manifest_summaries(engine, each.image)
        documents.append(document)
    return documents


async def get_image(call: Call) -> web.Response:
    platform = read_platform(call) if call.speaks("1.49") else None
    document = await call.do(inspect_image, _name(call), platform=platform)
    if call.query.flag("manifests") and call.speaks("1.48"):
        if platform is not None:
            raise InvalidArgument(
                "conflicting options: manifests and platform options cannot both be set"
            )
        document["Manifests"] = await call.do(_manifests_of, str(document["Id"]))
    return json_response(image_for(call.version, document))


def _manifests_of(engine: Engine, image_id: str) -> list[dict[str, object]]:
    connection = engine.store.database.connection
    return manifest_summaries(engine, image_of_id(connection, Digest(image_id)))


async def get_history(call: Call) -> web.Response:
    return json_response(await call.do(image_history, _name(call), platform=read_platform(call)))


async def post_tag(call: Call) -> web.Response:
    target = _with_tag(call.query.text("repo"), call.query.text("tag"))
    await call.do(tag_image, _name(call), target)
    return web.Response(status=201)


async def delete_image(call: Call) -> web.Response:
    query = call.query
    removals = await call.do_alone(
        remove_image,
        _name(call),
        force=query.flag("force"),
        prune=not query.flag("noprune"),
        platform=_one_platform(call) if call.speaks("1.50") else None,
    )
    return json_response([_removal_document(each) for each in removals])


def _one_platform(call: Call) -> Platform | None:
    """Of `platforms`, each an object of JSON: an image here is for one."""
    texts = call.query.texts("platforms")
    if len(texts) > 1:
        raise InvalidArgument("multiple platforms is not supported")
    return parse_platform(texts[0]) if texts else None


def _removal_document(removal: Removal) -> dict[str, str]:
    if removal.untagged is not None:
        return untagged_document(removal.untagged)
    return deleted_document(str(removal.deleted))


async def post_create(call: Call) -> web.StreamResponse:
    if call.query.has("fromSrc"):
        return await _import(call)
    if not call.query.has("fromImage"):
        raise InvalidArgument("nothing to create: neither fromImage nor fromSrc is given")
    return await pull(call)


async def _import(call: Call) -> web.StreamResponse:
    query = call.query
    source = query.text("fromSrc")
    name = _with_tag(query.text("repo"), query.text("tag")) if query.has("repo") else ""
    platform = read_platform(call)

    def produce(engine: Engine, _stop: int) -> Iterator[bytes]:
        if is_url(source):
            yield progress({"status": f"Downloading from {source}"})
        identifier = import_image(
            engine,
            downloaded(source) if is_url(source) else body_chunks(call),
            name,
            changes=query.texts("changes"),
            message=query.text("message") or f"Imported from {source}",
            platform=platform,
        )
        yield progress({"status": str(identifier)})

    if source != "-" and not is_url(source):
        raise InvalidArgument(f"{source} is neither - nor an address")
    return await stream(call, JSON, produce, failed=progress_error)


async def post_load(call: Call) -> web.StreamResponse:
    platform = read_platform(call)
    quiet = call.query.flag("quiet")

    def work(engine: Engine, tell: Tell) -> None:
        try:
            with body_file(call) as source:
                loading = None if quiet else Loading(tell)
                loaded = load_images(engine, source, platform=platform, progress=loading)
        except WherryError as error:
            tell(progress_error(error))  # of a load Docker says everything in the stream
            return
        for image in loaded:
            for name, previous in image.moved:
                text = (
                    f"The image {name} already exists, renaming the old one with ID {previous}"
                    " to empty string\n"
                )
                tell(progress({"stream": text}))
            for name in image.names:
                tell(progress({"stream": f"Loaded image: {name}\n"}))
            if not image.names:
                tell(progress({"stream": f"Loaded image ID: {image.image.id}\n"}))

    # With the client goes its body, and with that the loading. A quiet one is answered when all is
    # there: skopeo and podman take the answer's head for the end, and stop sending.
    return await stream_told(call, JSON, work, cancel=lambda: None, at_once=not quiet)


async def get_one(call: Call) -> web.StreamResponse:
    return await _save(call, [_name(call)])


async def get_several(call: Call) -> web.StreamResponse:
    return await _save(call, call.query.texts("names"))


async def _save(call: Call, names: list[str]) -> web.StreamResponse:
    platform = read_platform(call)

    def produce(engine: Engine, _stop: int) -> Iterator[bytes]:
        return save_images(engine, names, platform=platform)

    return await stream(call, _TAR, produce)


async def post_prune(call: Call) -> web.Response:
    pruned = await call.do_alone(prune_images, call.query.filters())
    removals = [_removal_document(each) for each in pruned.removals]
    return json_response(
        {"ImagesDeleted": removals or None, "SpaceReclaimed": pruned.space_reclaimed}
    )


def _name(call: Call) -> str:
    return call.names["name"]


def _with_tag(repository: str, tag: str) -> str:
    if not tag:
        return repository
    return f"{repository}@{tag}" if ":" in tag else f"{repository}:{tag}"


ROUTES = (
    Route("GET", "/images/json", get_images),
    Route("GET", "/images/get", get_several, oldest=OLDEST_FOR_IMAGES),
    Route("POST", "/images/create", post_create),
    Route("POST", "/images/load", post_load, oldest=OLDEST_FOR_IMAGES),
    Route("POST", "/images/prune", post_prune, since="1.25"),
    Route("GET", "/images/{name*}/json", get_image),
    Route("GET", "/images/{name*}/history", get_history),
    Route("GET", "/images/{name*}/get", get_one),
    Route("POST", "/images/{name*}/tag", post_tag),
    Route("DELETE", "/images/{name*}", delete_image),
)
