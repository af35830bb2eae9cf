"""What is done with registries: pull, push, /auth, search, /distribution."""

from collections.abc import Callable

from wherry.api import web
from wherry.api.call import Call, json_response
from wherry.api.headers import JSON
from wherry.api.progress import progress, progress_error
from wherry.api.requests.credentials import credential_of, read_credential
from wherry.api.requests.platform import read_platform
from wherry.api.routing import Route
from wherry.api.streaming import Tell, stream_told
from wherry.engine.documents.progress import progress_document
from wherry.engine.engine import Engine
from wherry.engine.images.progress import Progress
from wherry.engine.images.pull import pull_image
from wherry.engine.images.push import push_image
from wherry.engine.registry.distribution import distribution_of
from wherry.engine.registry.login import prove_login
from wherry.engine.registry.search import search_images
from wherry.errors import Internal, InvalidArgument, Unauthorized
from wherry.oci.codec import to_json
from wherry.oci.digest import Digest, InvalidDigest
from wherry.oci.reference import Reference
from wherry.registry.credentials import Credential
from wherry.registry.search import SearchResult
from wherry.registry.transport import Transport


async def pull(call: Call) -> web.StreamResponse:
    """POST /images/create?fromImage: without a tag or digest all tags, as in Docker."""
    reference = _tagged(Reference.parse(call.query.text("fromImage")), call.query.text("tag"))
    platform = read_platform(call) if call.speaks("1.32") else None
    credential, transport = credential_of(call), Transport()

    def work(engine: Engine, tell: Tell) -> None:
        try:
            pull_image(
                engine,
                str(reference),
                platform=platform,
                all_tags=reference.is_name_only,
                report=_reporter(tell),
                credential=credential,
                transport=transport,
            )
        except Unauthorized as error:
            # Docker's status, too: with 401 its command would ask for a password there and then.
            raise Internal(error.message) from error

    return await stream_told(call, JSON, work, transport.cancellation.cancel, failed=progress_error)


def _tagged(reference: Reference, tag: str) -> Reference:
    if not tag or reference.digest is not None:
        return reference
    try:
        return reference.with_digest(Digest(tag))
    except InvalidDigest:
        return reference.with_tag(tag)


async def post_push(call: Call) -> web.StreamResponse:
    """POST /images/{name}/push: without a tag all tags."""
    reference = Reference.parse(call.names["name"])
    if tag := call.query.text("tag"):
        reference = reference.with_tag(tag)
    platform = read_platform(call) if call.speaks("1.46") else None
    credential, transport = credential_of(call), Transport()

    def work(engine: Engine, tell: Tell) -> None:
        pushed = push_image(
            engine,
            str(reference),
            platform=platform,
            all_tags=reference.is_name_only,
            report=_reporter(tell),
            credential=credential,
            transport=transport,
        )
        for image in pushed:
            aux = {
                "Tag": image.reference.tag,
                "Digest": str(image.digest),
                "Size": image.size,
            }
            tell(progress({"progressDetail": {}, "aux": aux}))

    return await stream_told(call, JSON, work, transport.cancellation.cancel, failed=progress_error)


def _reporter(tell: Tell) -> Callable[[Progress], None]:
    return lambda told: tell(progress(progress_document(told)))


async def post_auth(call: Call) -> web.Response:
    fields = await call.fields(required=True)
    token = await call.do_alone(_prove, fields.text("serveraddress"), read_credential(fields))
    return json_response({"Status": "Login Succeeded", "IdentityToken": token})


def _prove(_engine: Engine, server: str, credential: Credential) -> str:
    return prove_login(server, credential).identity_token


async def get_search(call: Call) -> web.Response:
    query = call.query
    term = query.text("term")
    if not term:
        raise InvalidArgument("no term is given to search for")
    found = await call.do_alone(
        _search, term, query.filters(), query.integer("limit"), credential_of(call)
    )
    return json_response([_result_document(each) for each in found])


def _search(
    _engine: Engine,
    term: str,
    filters: dict[str, tuple[str, ...]],
    limit: int,
    credential: Credential,
) -> list[SearchResult]:
    return search_images(term, filters=filters, limit=limit, credential=credential)


def _result_document(result: SearchResult) -> dict[str, object]:
    return {
        "star_count": result.stars,
        "is_official": result.is_official,
        "name": result.name,
        "is_automated": result.is_automated,
        "description": result.description,
    }


async def get_distribution(call: Call) -> web.Response:
    return json_response(
        await call.do_alone(_distribution, call.names["name"], credential_of(call))
    )


def _distribution(_engine: Engine, name: str, credential: Credential) -> dict[str, object]:
    found = distribution_of(name, credential)
    descriptor = found.descriptor
    return {
        "Descriptor": {
            "mediaType": descriptor.media_type,
            "digest": str(descriptor.digest),
            "size": descriptor.size,
        },
        "Platforms": [to_json(platform) for platform in found.platforms],
    }


ROUTES = (
    Route("POST", "/auth", post_auth),
    Route("GET", "/images/search", get_search),
    Route("POST", "/images/{name*}/push", post_push),
    Route("GET", "/distribution/{name*}/json", get_distribution, since="1.30"),
)
