"""The other end of `warm_client`: a command carried out in a fork of the launcher.

The fork takes on what makes a process the client's: its descriptors, folder, environment and
umask. It is not in the client's session, so that no key typed there reaches it; instead the
kernel ends it when the client is gone.
"""

import fcntl
import os
import signal
import socket
import sys
from collections.abc import Callable

from wherry.cli.builds.cached import BUILDER
from wherry.cli.context import Declined, OutputClosed
from wherry.cli.main import main
from wherry.engine.engine import Engine
from wherry.engine.requests.payload import engine_of
from wherry.shim.protocol import control
from wherry.shim.request import Request
from wherry.shim.stand_in import stand_in_for_client, stands_beside


def command(request: Request) -> None:
    """Carry out the words of the command line that `request` has."""
    _end_with(request.socket)
    if request.payload.get("only_cached"):
        _cached_build(request)
        return
    _stand_in(request)
    _run(request, engine_of(request.payload))


def _cached_build(request: Request) -> None:
    """Carry out a build of which all is in the cache; any other is declined, and nothing done.

    What it reads must be what its client would: `stands_beside` tells.
    """
    client = request.socket
    if not all(name in sys.modules for name in BUILDER) or not stands_beside(client):
        client.sendall(control(declined=True))
        return
    _stand_in(request)
    engine = engine_of(request.payload)
    try:
        _run(request, engine, lambda: client.sendall(control(begun=True)))
    except Declined:
        client.sendall(control(declined=True))


def _run(request: Request, engine: Engine, on_cached: Callable[[], None] | None = None) -> None:
    words = request.payload["words"]
    assert isinstance(words, tuple | list)
    try:
        status = main([str(word) for word in words], engine, on_cached)
    except OutputClosed:
        request.socket.sendall(control(broken_pipe=True))
    else:
        request.socket.sendall(control(status=status))


def _end_with(client: socket.socket) -> None:
    """Die of SIGIO as soon as the client closes its end, fcntl(2). It has nothing more to say."""
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(client, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(client, fcntl.F_GETFL)
    fcntl.fcntl(client, fcntl.F_SETFL, flags | os.O_ASYNC)
    try:
        # What came before that makes no signal.
        if not client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
            os._exit(1)
    except BlockingIOError:
        return


def _stand_in(request: Request) -> None:
    stand_in_for_client(request)
    os.umask(int(str(request.payload["umask"])))
