"""What client, launcher and shim say to each other over a Unix stream socket.

    client -> launcher perhaps first, on a connection for that alone, one byte: see `knock`
    client -> server   one request: length (4 bytes), marshalled (operation, payload),
                       descriptors beside its first byte (SCM_RIGHTS); after that raw bytes of
                       stdin, whose end is a half-close
    launcher -> client one byte, TAKEN: a child has the request and begins with it
    server -> client   frames: Docker's header of eight bytes (stream, 0, 0, 0, length) and a body

A frame of stream CONTROL holds a marshalled dict: `{"id": ...}`, `{"started": True}`,
`{"exit": 0}`, `{"detached": True}`, `{"error": {"kind": ..., "message": ..., "hint": ...}}`.
Both ends are the same interpreter and the same files; `IDENTITY` travels with each request to
make sure of it, since marshal is no format for strangers.

Imported by clients whose start is counted in milliseconds: nothing but C modules here.
"""

import marshal
import sys

from wherry.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Payload = dict[str, object]

STDIN = 0
STDOUT = 1
STDERR = 2
ERROR = 3
CONTROL = 4

# Until this comes nothing was changed: a client whose launcher dies before asks once more.
TAKEN = b"\x06"

HEADER = 8
LARGEST_REQUEST = 64 << 20
_LARGEST_FRAME = 64 << 20

IDENTITY = f"{__version__} {sys.hexversion:x} {__file__}"


class BadMessage(Exception):
    """The other side does not speak this protocol."""


def request_bytes(operation: str, payload: "Mapping[str, object]") -> bytes:
    """A request, ready to be sent. The payload holds only what marshal knows."""
    body = marshal.dumps((IDENTITY, operation, dict(payload)))
    return len(body).to_bytes(4, "big") + body


def parse_request(body: bytes) -> "tuple[str, Payload] | None":
    """The operation and its payload; None when another installation of Wherry is asking."""
    identity, operation, payload = marshal.loads(body)
    return (operation, payload) if identity == IDENTITY else None


def header(stream: int, length: int) -> bytes:
    return bytes((stream, 0, 0, 0)) + length.to_bytes(4, "big")


def frame(stream: int, body: bytes) -> bytes:
    return header(stream, len(body)) + body


def control(**message: object) -> bytes:
    """A control frame with the fields of `message`."""
    return frame(CONTROL, marshal.dumps(message))


def error_frame(kind: str, message: str, hint: str = "", status: int = 0) -> bytes:
    """The frame that makes the client raise an error of `kind` (see `wherry.errors`).

    `status` is the exit status it means for `run` and `exec`, where that is not the usual one.
    """
    return control(error={"kind": kind, "message": message, "hint": hint, "status": status})


def parse_control(body: bytes) -> "Payload":
    message = marshal.loads(body)
    if not isinstance(message, dict):
        raise BadMessage(f"control message is a {type(message).__name__}")
    return message


class FrameReader:
    """Frames out of bytes as they arrive; a frame may come in pieces and a piece hold many.

    Bytes of output are handed on as far as they are there, so nothing large is kept; a control
    frame only whole.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._stream = STDOUT
        self._missing = 0  # bytes of a frame of output of which a part was handed on

    def feed(self, data: bytes) -> "Iterator[tuple[int, bytes]]":
        """Every (stream, body) that `data` brings."""
        at = 0
        if self._missing:
            at = min(self._missing, len(data))
            self._missing -= at
            yield self._stream, data[:at]
        elif self._rest:
            data = self._rest + data
        while len(data) - at >= HEADER:
            stream = data[at]
            length = int.from_bytes(data[at + 4 : at + 8], "big")
            if stream > CONTROL or length > _LARGEST_FRAME:
                raise BadMessage(f"frame of stream {stream} with {length} bytes")
            start, end = at + HEADER, at + HEADER + length
            if end > len(data):
                if stream >= ERROR:
                    break
                self._stream, self._missing = stream, end - len(data)
            at = min(end, len(data))
            yield stream, data[start:at]
        self._rest = data[at:]
