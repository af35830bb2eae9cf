"""A request, in the child that carries it out: read, checked, done, a failure answered."""

import _socket
import os
import socket
import struct
from array import array
from collections.abc import Callable, Mapping
from contextlib import suppress

from wherry.errors import Internal, WherryError, kind_of, os_error_text
from wherry.shim.protocol import (
    LARGEST_REQUEST,
    TAKEN,
    BadMessage,
    Payload,
    error_frame,
    parse_request,
)
from wherry.typed import TYPE_CHECKING
from wherry.values import dataclass, field

if TYPE_CHECKING:
    from wherry.shim.keeper import Keeper

COMMAND = "command"  # the operation that is carried out with the command line's modules
_MOST_DESCRIPTORS = 8
_CREDENTIALS = struct.Struct("3i")


@dataclass
class Request:
    """A request, in the child that carries it out. The socket is the child's to keep or close."""

    operation: str
    payload: Payload
    socket: socket.socket
    keeper: "Keeper"
    descriptors: list[int] = field(default_factory=list)


Operations = Mapping[str, Callable[[Request], None]]


def handle(descriptor: int, keeper: "Keeper", *, operations: Operations) -> None:
    """Read one request from a connection and carry it out; a failure is answered."""
    client = socket.socket(fileno=descriptor)
    try:
        request = receive_request(client, keeper)
        if request is None:
            return
        operations[request.operation](request)
    except WherryError as error:
        answer_error(client, error)
    except OSError as error:
        answer_error(client, Internal(os_error_text(error)))
    except BaseException as error:  # the last stop: nobody above could tell the client
        import traceback

        traceback.print_exc()
        with suppress(OSError):
            client.sendall(error_frame("Internal", f"{type(error).__name__}: {error}"))
        raise


def answer_error(client: socket.socket, error: WherryError) -> None:
    """Tell the client of `error`, if it is still there."""
    message = "\n".join([error.message, *getattr(error, "__notes__", ())])
    with suppress(OSError):
        status = getattr(error, "status", 0)
        client.sendall(error_frame(kind_of(error), message, error.hint, status))


def receive_request(client: socket.socket, keeper: "Keeper") -> Request | None:
    """The request that `client` sends; None when it went away. Its descriptors close on exec."""
    descriptors = array("i")
    space = socket.CMSG_SPACE(_MOST_DESCRIPTORS * descriptors.itemsize)
    head, ancillary, _, _ = client.recvmsg(4, space, socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    if len(head) < 4:
        return None
    length = int.from_bytes(head, "big")
    if length > LARGEST_REQUEST:
        raise BadMessage(f"a request of {length} bytes")
    body = bytearray()
    while len(body) < length:
        piece = client.recv(length - len(body))
        if not piece:
            return None
        body += piece
    client.sendall(TAKEN)  # before anything is done, lest it be done twice
    parsed = parse_request(bytes(body))
    if parsed is None:
        raise OtherInstallation
    operation, payload = parsed
    return Request(operation, payload, client, keeper, list(descriptors))


class OtherInstallation(WherryError):
    def __init__(self) -> None:
        super().__init__(
            "the running launcher belongs to another installation of Wherry",
            hint="end it with `wherry system launcher stop`, or set WHERRY_LAUNCHER=off",
        )


def is_own_user(client: _socket.socket) -> bool:
    """Whether the process at the other end may give us orders: it runs as our user, or root."""
    data = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(data)
    return uid in (os.geteuid(), 0)
