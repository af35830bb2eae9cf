"""/images: lists, documents, names, archives; pulling, as far as there is a registry client."""

from collections.abc import Iterator

from aiohttp import web

from wherry.api.call import Call, json_response
from wherry.api.headers import JSON
from wherry.api.progress import progress, progress_error
from wherry.api.routing import Route, refusing
from wherry.api.streaming import body_chunks, body_file, stream
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
from wherry.engine.images.prune import prune_images
from wherry.engine.images.remove import Removal, remove_image
from wherry.engine.images.save import save_images
from wherry.engine.images.tag import tag_image
from wherry.errors import InvalidArgument, Unsupported
from wherry.images.download import downloaded, is_url
from wherry.oci.platform import InvalidPlatform, Platform
from wherry.oci.reference import Reference

_NO_REGISTRY = "this engine has no registry client"
_TAR = {"Content-Type": "application/x-tar"}


async def get_images(call: Call) -> web.Response:
    return json_response(await call.do(_summaries, call))


def _summaries(engine: Engine, call: Call) -> list[dict[str, object]]:
    listed = select_images(engine, all_images=call.query.flag("all"), filters=call.query.filters())
    documents = []
    for each in listed:
        document = summary_document(each.image, list(each.names))
        if not call.speaks("1.44"):
            document["VirtualSize"] = document["Size"]
        documents.append(document)
    return documents


async def get_image(call: Call) -> web.Response:
    document = await call.do(inspect_image, _name(call), platform=_platform(call))
    if not call.speaks("1.44"):
        document["VirtualSize"] = document["Size"]
    if not call.speaks("1.45"):
        document |= {"Container": "", "ContainerConfig": None}
    return json_response(document)


async def get_history(call: Call) -> web.Response:
    return json_response(await call.do(image_history, _name(call), platform=_platform(call)))


async def post_tag(call: Call) -> web.Response:
    target = _with_tag(call.query.text("repo"), call.query.text("tag"))
    await call.do(tag_image, _name(call), target)
    return web.Response(status=201)


async def delete_image(call: Call) -> web.Response:
    query = call.query
    removals = await call.do_alone(
        remove_image, _name(call), force=query.flag("force"), prune=not query.flag("noprune")
    )
    return json_response([_removal_document(each) for each in removals])


def _removal_document(removal: Removal) -> dict[str, str]:
    if removal.untagged is not None:
        return untagged_document(removal.untagged)
    return deleted_document(str(removal.deleted))


async def post_create(call: Call) -> web.StreamResponse:
    if call.query.has("fromSrc"):
        return await _import(call)
    if not call.query.has("fromImage"):
        raise InvalidArgument("nothing to create: neither fromImage nor fromSrc is given")
    Reference.parse(call.query.text("fromImage"))
    raise Unsupported(_NO_REGISTRY)


async def _import(call: Call) -> web.StreamResponse:
    query = call.query
    source = query.text("fromSrc")
    name = _with_tag(query.text("repo"), query.text("tag")) if query.has("repo") else ""
    platform = _platform(call)

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
    platform = _platform(call)

    def produce(engine: Engine, _stop: int) -> Iterator[bytes]:
        with body_file(call) as source:
            loaded = load_images(engine, source, platform=platform)
        for image in loaded:
            for name, previous in image.moved:
                text = (
                    f"The image {name} already exists, renaming the old one with ID {previous}"
                    " to empty string\n"
                )
                yield progress({"stream": text})
            for name in image.names:
                yield progress({"stream": f"Loaded image: {name}\n"})
            if not image.names:
                yield progress({"stream": f"Loaded image ID: {image.image.id}\n"})

    return await stream(call, JSON, produce, failed=progress_error)


async def get_one(call: Call) -> web.StreamResponse:
    return await _save(call, [_name(call)])


async def get_several(call: Call) -> web.StreamResponse:
    return await _save(call, call.query.texts("names"))


async def _save(call: Call, names: list[str]) -> web.StreamResponse:
    platform = _platform(call)

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


def _platform(call: Call) -> Platform | None:
    """`linux/arm64`, or as newer clients write it `{"os": "linux", "architecture": "arm64"}`."""
    text = call.query.text("platform")
    if not text:
        return None
    if text.startswith("{"):
        from wherry.api.fields import Fields
        from wherry.oci.documents import load_document

        value = load_document(text.encode(), "platform")
        fields = Fields(value if isinstance(value, dict) else {})
        words = (fields.text("os"), fields.text("architecture"), fields.text("variant"))
        text = "/".join(word for word in words if word)
    try:
        return Platform.parse(text)
    except InvalidPlatform as error:
        raise InvalidArgument(f"error parsing specified platform: {error}") from error


ROUTES = (
    Route("GET", "/images/json", get_images),
    Route("GET", "/images/get", get_several),
    refusing("GET", "/images/search", Unsupported, _NO_REGISTRY),
    Route("POST", "/images/create", post_create),
    Route("POST", "/images/load", post_load),
    Route("POST", "/images/prune", post_prune, since="1.25"),
    Route("GET", "/images/{name*}/json", get_image),
    Route("GET", "/images/{name*}/history", get_history),
    Route("GET", "/images/{name*}/get", get_one),
    Route("POST", "/images/{name*}/tag", post_tag),
    refusing("POST", "/images/{name*}/push", Unsupported, _NO_REGISTRY),
    Route("DELETE", "/images/{name*}", delete_image),
    refusing("GET", "/distribution/{name*}/json", Unsupported, _NO_REGISTRY),
)
