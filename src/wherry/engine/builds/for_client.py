"""Builds for clients of the API: in a child of the launcher, since containers are forked from it.

service                                     child
options, the context as a pipe        ──>   the builder, with the pipe as standard input
lines of JSON, as they go to clients  <──   (frames of standard output)
an error before the first line        <──   a status can still tell it
closes its end                        ──>   stops, and takes away what it has begun
"""

import fcntl
import json
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
from wherry.shim.protocol import STDOUT, control, frame
from wherry.shim.request import Request

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class CannotLocateDockerfile(Internal):
    """Docker's words, and its status: with 404 clients would miss an image."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Cannot locate specified Dockerfile: {name}")


def build_for_client(engine: "Engine", request: Request) -> None:
    """The child's part."""
    client = _Client(request.socket)
    for descriptor in request.descriptors:
        os.dup2(descriptor, 0)
        os.close(descriptor)
    teller = ClassicTeller(client.send, quiet=bool(request.payload.get("quiet")))
    with suppress(KeyboardInterrupt):
        client.interrupt_us()
        options = _options(request.payload)
        try:
            image = build_image(engine, options, teller.report, teller.planned, teller.pulling)
        except NoDockerfile as error:
            raise CannotLocateDockerfile(options.file or DEFAULT_NAME) from error
        except WherryError as error:
            if not teller.has_begun:
                raise _plain(error) from error
            teller.failed(error)
        else:
            teller.finished(image)
        request.socket.sendall(control(done=True))


def _plain(error: WherryError) -> WherryError:
    return rebuilt(error.kind, error.message) if isinstance(error, BuildFailed) else error


def _options(payload: Mapping[str, object]) -> BuildOptions:
    options = payload["options"]
    assert isinstance(options, dict)
    credentials = {
        domain: Credential(**fields) for domain, fields in options.pop("credentials").items()
    }
    return BuildOptions(**options, credentials=credentials, environ={}, cwd="/")


class _Client:
    """The service's connection. KeyboardInterrupt, once, when its other end is closed."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._gone = False

    def send(self, message: Message) -> None:
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
        with suppress(BrokenPipeError, ConnectionResetError):  # the signal is on its way
            self._connection.sendall(frame(STDOUT, text.encode("utf-8", "replace") + b"\r\n"))

    def interrupt_us(self) -> None:
        """Have the interrupt come whatever is under way, by a signal of its socket, fcntl(2)."""
        signal.signal(signal.SIGIO, self._look)
        connection = self._connection
        fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(connection, fcntl.F_GETFL)
        fcntl.fcntl(connection, fcntl.F_SETFL, flags | os.O_ASYNC)
        self._look(signal.SIGIO, None)  # what came before that makes no signal

    def _look(self, _number: int, _frame: object) -> None:
        # The signal comes for other changes of the connection, too. A second interrupt would come
        # in the middle of clearing up.
        if not self._gone and self._is_closed():
            self._gone = True
            raise KeyboardInterrupt

    def _is_closed(self) -> bool:
        try:
            return not self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except ConnectionResetError:  # closed with something in it that was not read
            return True
