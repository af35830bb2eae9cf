"""One request, as the functions that answer it see it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from wherry.api import web
from wherry.api.connections import PATIENCE
from wherry.api.fields import Fields
from wherry.api.query import Query
from wherry.api.versions import Version, parse_version
from wherry.engine.engine import Engine
from wherry.errors import InvalidArgument
from wherry.oci.codec import InvalidDocument
from wherry.oci.documents import load_document

if TYPE_CHECKING:
    from wherry.api.service import Service

P = ParamSpec("P")
T = TypeVar("T")

_LARGEST_BODY = 8 << 20  # bytes of a JSON body
_RECEIVE = 1 << 18


class InvalidBody(InvalidArgument):
    pass


class Call:
    """`names` are what the path says, `version` is the one that the client speaks."""

    def __init__(
        self,
        http: web.BaseRequest,
        service: "Service",
        version: Version,
        names: dict[str, str],
        query: Query,
    ) -> None:
        self.http = http
        self.service = service
        self.version = version
        self.names = names
        self.query = query

    @property
    def id(self) -> str:
        """The thing that the request is about, by name or ID."""
        return self.names["id"]

    def speaks(self, version: str) -> bool:
        """Whether the client knows what came with this version."""
        return self.version >= parse_version(version)

    # ---- the engine

    async def do(
        self, function: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `function` of the engine returns; for what is over soon."""
        return await self.service.workers.run(function, *args, **kwargs)

    async def do_alone(
        self, function: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same in a thread of its own, for what may take any time."""
        return await self.service.workers.run_alone(function, *args, **kwargs)

    # ---- the body

    @property
    def has_body(self) -> bool:
        return self.http.body_exists

    async def fields(self, *, required: bool = False) -> Fields:
        """The body, one JSON object. Without one there are no fields, unless one is `required`."""
        data = await self._small_body() if self.has_body else b""
        if data.strip():
            kind = self.http.headers.get("Content-Type", "")
            if kind.partition(";")[0].strip().lower() != "application/json":
                raise InvalidBody(
                    f"unsupported Content-Type header ({kind}): must be 'application/json'"
                )
        elif required:
            raise InvalidBody("invalid JSON: got EOF while reading request body")
        else:
            return Fields({})
        try:
            value = load_document(data, "JSON")
        except InvalidDocument as error:
            if "Extra data" in error.message:
                raise InvalidBody("unexpected content after JSON") from error
            raise InvalidBody(error.message) from error
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise InvalidBody("invalid JSON: the body is not an object")
        return Fields(value)

    async def _small_body(self) -> bytes:
        pieces = bytearray()
        try:
            async with asyncio.timeout(PATIENCE):
                async for piece in self.body():
                    pieces += piece
                    if len(pieces) > _LARGEST_BODY:
                        raise InvalidBody(f"the request body is larger than {_LARGEST_BODY} bytes")
        except TimeoutError:
            raise InvalidBody(f"the request body has not come in {PATIENCE:.0f} s") from None
        return bytes(pieces)

    async def body(self) -> AsyncIterator[bytes]:
        """The body as it comes in, at the pace at which it is taken."""
        if self.http.headers.get("Expect", "").lower() == "100-continue":
            transport = self.http.transport
            if transport is not None:
                transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while piece := await self.http.content.read(_RECEIVE):
            yield piece


def json_bytes(value: object) -> bytes:
    """As Go's encoder writes it: compact, a line break at the end. `<`, `>`, `&` as they are."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    # Names of files need not be UTF-8; Go puts the replacement character in their place.
    return text.encode("utf-8", "replace") + b"\n"


def json_response(value: object, status: int = 200) -> web.Response:
    # A charset behind the type, which aiohttp would add, keeps Go clients from reading errors.
    headers = {"Content-Type": "application/json"}
    return web.Response(body=json_bytes(value), status=status, headers=headers)


def no_content() -> web.Response:
    return web.Response(status=204)
