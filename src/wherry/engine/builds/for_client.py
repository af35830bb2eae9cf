"""Builds for clients of the API: in a child of the launcher, since containers are forked from it.

service                                     child
options, the context as a pipe        ──>   the builder, with the pipe as standard input
lines of JSON, as they go to clients  <──   (frames of standard output)
an error before the first line        <──   a status can still tell it
closes its end                        ──>   stops, and takes away what it has begun
"""

import fcntl
import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.build.contexts import DEFAULT_NAME, NoDockerfile
from wherry.build.errors import BuildFailed
from wherry.engine.builds.build import build_image
from wherry.engine.builds.classic import ClassicTeller, Message
from wherry.engine.builds.options import BuildOptions
from wherry.errors import Internal, WherryError, rebuilt
from wherry.registry.credentials import Credential
from wherry.shim.launcher import Request
from wherry.shim.protocol import STDOUT, control, frame

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class CannotLocateDockerfile(Internal):
    """Docker's words, and its status: with 404 clients would miss an image."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Cannot locate specified Dockerfile: {name}")


def build_for_client(engine: "Engine", request: Request) -> None:
    """The child's part."""
    client = request.socket
    for descriptor in request.descriptors:
        os.dup2(descriptor, 0)
        os.close(descriptor)
    teller = ClassicTeller(lambda message: _send(client, message), quiet=_quiet(request))
    with suppress(KeyboardInterrupt):
        _interrupt_with(client)
        options = _options(request.payload)
        try:
            image = build_image(engine, options, teller.report, teller.planned)
        except NoDockerfile as error:
            raise CannotLocateDockerfile(options.file or DEFAULT_NAME) from error
        except WherryError as error:
            if not teller.has_begun:
                raise _plain(error) from error
            teller.failed(error)
        else:
            teller.finished(image)
        client.sendall(control(done=True))


def _quiet(request: Request) -> bool:
    return bool(request.payload.get("quiet"))


def _plain(error: WherryError) -> WherryError:
    return rebuilt(error.kind, error.message) if isinstance(error, BuildFailed) else error


def _options(payload: Mapping[str, object]) -> BuildOptions:
    options = payload["options"]
    assert isinstance(options, dict)
    credentials = {
        domain: Credential(**fields) for domain, fields in options.pop("credentials").items()
    }
    return BuildOptions(**options, credentials=credentials, environ={}, cwd="/")


def _send(client: socket.socket, message: Message) -> None:
    import json  # not of the engine's, whose documents have a codec of their own

    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
    try:
        client.sendall(frame(STDOUT, text.encode("utf-8", "replace") + b"\r\n"))
    except (BrokenPipeError, ConnectionResetError):
        raise KeyboardInterrupt from None


def _interrupt_with(client: socket.socket) -> None:
    """Raise KeyboardInterrupt, whatever is under way, when the client closes its end, fcntl(2)."""

    def look(_number: int, _frame: object) -> None:
        # The signal comes for other changes of the connection, too.
        with suppress(BlockingIOError):
            if not client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                raise KeyboardInterrupt

    signal.signal(signal.SIGIO, look)
    fcntl.fcntl(client, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(client, fcntl.F_GETFL)
    fcntl.fcntl(client, fcntl.F_SETFL, flags | os.O_ASYNC)
    look(signal.SIGIO, None)  # what came before that makes no signal
