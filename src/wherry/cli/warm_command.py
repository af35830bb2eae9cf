"""The other end of `warm_client`: a command carried out in a fork of the launcher.

The fork takes on what makes a process the client's: its descriptors, folder, environment and
umask. It is not in the client's session, so that no key typed there reaches it; instead the
kernel ends it when the client is gone.
"""

import fcntl
import os
import signal
import socket
import time

from wherry.cli.context import OutputClosed
from wherry.cli.main import main
from wherry.engine.launch import engine_of
from wherry.shim.launcher import Request
from wherry.shim.protocol import control

_DESCRIPTORS = 4  # standard input, output and error, and the folder


def command(request: Request) -> None:
    """Carry out the words of the command line that `request` has."""
    payload, client = request.payload, request.socket
    _end_with(client)
    environ, words = payload["environ"], payload["words"]
    assert isinstance(environ, dict)
    assert isinstance(words, tuple | list)
    _become_the_clients(request.descriptors, environ, int(str(payload["umask"])))
    engine = engine_of(payload)
    try:
        status = main([str(word) for word in words], engine)
    except OutputClosed:
        client.sendall(control(broken_pipe=True))
    else:
        client.sendall(control(status=status))


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


def _become_the_clients(descriptors: list[int], environ: dict[str, str], umask: int) -> None:
    assert len(descriptors) == _DESCRIPTORS
    *standard, folder = descriptors
    os.fchdir(folder)
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
    for descriptor in descriptors:
        os.close(descriptor)
    os.umask(umask)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
