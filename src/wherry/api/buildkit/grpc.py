"""gRPC on HTTP/2: messages with their length in front, and a status at the end.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. Messages are never compressed.
"""

import base64
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from enum import IntEnum
from urllib.parse import quote, unquote

from wherry.api.buildkit.http2 import Connection, ConnectionEnded, Headers, Stream
from wherry.api.buildkit.messages.common import STATUS, Detail, Status
from wherry.api.buildkit.wire import Codec, InvalidMessage, T
from wherry.errors import Unavailable, Unsupported, WherryError
from wherry.values import dataclass, field

log = logging.getLogger("wherry.api")

_LARGEST = 16 << 20  # bytes of a message, as BuildKit has it
_PREFIX = 5
_TYPE = ("content-type", "application/grpc")


class Code(IntEnum):
    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


_CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    409: Code.FAILED_PRECONDITION,
    501: Code.UNIMPLEMENTED,
    503: Code.UNAVAILABLE,
}


class Refused(Exception):
    """An answer that is a status alone. `code` may be one that the enum does not have."""

    def __init__(self, code: int, message: str, details: tuple[Detail, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


class CallFailed(Unavailable):
    """A call of ours that its server, the client of the build, has refused or broken off."""

    def __init__(self, code: int, message: str, details: tuple[Detail, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.details = details


def code_of(error: WherryError) -> Code:
    """What an error's kind is in gRPC."""
    return _CODES.get(error.http_status, Code.UNKNOWN)


async def messages(stream: Stream) -> AsyncIterator[bytes]:
    """The messages of a stream as they come, until its end."""
    async for found in batches(stream):
        for message in found:
            yield message


async def batches(stream: Stream) -> AsyncIterator[list[bytes]]:
    """The same, all at once that have come."""
    rest = bytearray()
    held = 0
    try:
        while data := await stream.read():
            rest += data
            found = _taken(rest)
            before, held = held, len(rest)
            stream.hold(held - before)
            if found:
                yield found
        if rest:
            raise ConnectionEnded("the stream ended within a message")
    finally:
        stream.hold(-held)


def _taken(data: bytearray) -> list[bytes]:
    """The messages that are complete, which `data` has no longer."""
    found = []
    at = 0
    while len(data) - at >= _PREFIX:
        length = int.from_bytes(data[at + 1 : at + _PREFIX], "big")
        if data[at]:
            raise InvalidMessage("it is compressed, which was not agreed on")
        if length > _LARGEST:
            raise InvalidMessage(f"it has {length} bytes, more than {_LARGEST}")
        end = at + _PREFIX + length
        if end > len(data):
            break
        found.append(bytes(data[at + _PREFIX : end]))
        at = end
    del data[:at]
    return found


def framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


# ---- as a server


@dataclass(frozen=True, slots=True)
class Rpc:
    """One call of a client's."""

    stream: Stream
    metadata: Mapping[str, str] = field(default_factory=dict)

    async def only(self, codec: Codec[T]) -> T:
        """The one message of its request."""
        async for data in messages(self.stream):
            return codec.decode(data)
        raise InvalidMessage("there is none")

    async def send(self, message: bytes) -> None:
        await self.stream.send(framed(message))


Method = Callable[[Rpc], Awaitable[None]]


class Methods:
    """Answers calls by their paths, `/package.Service/Method`."""

    def __init__(self, methods: Mapping[str, Method]) -> None:
        self._methods = methods

    async def answer(self, stream: Stream) -> None:
        headers = dict(stream.headers)
        path = headers.get(":path", "")
        # The head of the answer goes at once: clients of streams wait for it.
        await stream.send_headers([(":status", "200"), _TYPE])
        try:
            await self._methods.get(path, _unknown)(Rpc(stream, headers))
        except Refused as error:
            await stream.send_headers(_trailers(error), ends=True)
        except WherryError as error:
            refused = Refused(code_of(error), error.message)
            await stream.send_headers(_trailers(refused), ends=True)
        except ConnectionError:
            raise
        except Exception:  # one call must not end the others
            log.exception("%s failed", path)
            refused = Refused(Code.INTERNAL, "internal error; the service's log has it")
            await stream.send_headers(_trailers(refused), ends=True)
        else:
            await stream.send_headers([("grpc-status", "0")], ends=True)


async def _unknown(rpc: Rpc) -> None:
    service, _, name = rpc.metadata.get(":path", "").lstrip("/").partition("/")
    raise Refused(Code.UNIMPLEMENTED, f"unknown method {name} for service {service}")


def _trailers(error: Refused) -> Headers:
    headers = [
        ("grpc-status", str(int(error.code))),
        ("grpc-message", quote(error.message, safe=" !\"#$&'()*+,/:;<=>?@[]^`{|}")),
    ]
    if error.details:
        status = Status(code=error.code, message=error.message, details=error.details)
        data = base64.b64encode(STATUS.encode(status)).rstrip(b"=").decode()
        headers.append(("grpc-status-details-bin", data))
    return headers


# ---- as a client


class Outgoing:
    """One call of ours: messages go out and come in until its end."""

    def __init__(self, connection: Connection, stream: Stream) -> None:
        self._connection = connection
        self._stream = stream

    async def send(self, message: bytes) -> None:
        try:
            await self._stream.send(framed(message))
        except ConnectionError as error:
            raise self._failure() from error

    async def end(self) -> None:
        """Say that no more messages come; a server that has ended needs not hear it."""
        with suppress(ConnectionError):
            await self._stream.send_end()

    async def batches(self) -> AsyncIterator[list[bytes]]:
        """What comes in; raises CallFailed where the end is no success."""
        try:
            async for found in batches(self._stream):
                yield found
        except ConnectionError as error:
            raise self._failure() from error
        if dict(self._told()).get("grpc-status") != "0":
            raise self._failure()

    def _told(self) -> Headers:
        return self._stream.trailers or self._stream.headers

    def _failure(self) -> CallFailed:
        """What the server has said, if anything."""
        trailers = dict(self._told())
        code = trailers.get("grpc-status", "")
        if not code.isdecimal() or code == "0":
            return CallFailed(Code.UNAVAILABLE, "the client has gone")
        text = unquote(trailers.get("grpc-message", "")) or "call failed"
        return CallFailed(int(code), text, _details(trailers.get("grpc-status-details-bin", "")))

    async def close(self) -> None:
        """Give the call up, if it has not ended."""
        await self._stream.reset()
        self._connection.forget(self._stream)


def _details(text: str) -> tuple[Detail, ...]:
    try:
        return STATUS.decode(base64.b64decode(text + "=" * (-len(text) % 4))).details
    except (ValueError, InvalidMessage):
        return ()


async def call(connection: Connection, path: str, metadata: Headers = ()) -> Outgoing:
    """Begin a call of the peer's method `path`."""
    headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        _TYPE,
        ("te", "trailers"),
        *metadata,
    ]
    try:
        return Outgoing(connection, await connection.request(headers))
    except ConnectionError as error:
        raise CallFailed(Code.UNAVAILABLE, "the client has gone") from error


async def ask(connection: Connection, path: str, request: bytes, metadata: Headers = ()) -> bytes:
    """The one message that answers `request`; raises CallFailed."""
    outgoing = await call(connection, path, metadata)
    answers: list[bytes] = []
    try:
        await outgoing.send(request)
        await outgoing.end()
        async for found in outgoing.batches():
            answers += found
            if len(answers) > 1:
                break
    finally:
        await outgoing.close()
    if len(answers) != 1:
        number = "several messages" if answers else "nothing"
        raise Unsupported(f"{path} was answered with {number}")
    return answers[0]
