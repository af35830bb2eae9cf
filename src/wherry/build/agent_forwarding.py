"""The socket of an ssh agent for one RUN: one of its own, with the owner that the step wants.

The agent's own socket belongs to whoever runs it, and a step may run as anybody. A child of the
builder listens on the step's socket and hands on what comes, until the step has ended.
"""

import os
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from wherry.linux.process import PrctlOption, prctl

_READ = 1 << 16
_BACKLOG = 16


@contextmanager
def forwarded_agent(agent: Path, place: Path, *, uid: int, gid: int, mode: int) -> Iterator[None]:
    """`agent` can be reached at the new socket `place` during the block.

    Called by a process with one thread.
    """
    with socket.socket(socket.AF_UNIX) as listener:
        with _in_folder(place.parent):
            listener.bind(place.name)  # a whole path may be too long for an address
        os.chown(place, uid, gid)
        os.chmod(place, mode)
        listener.listen(_BACKLOG)
        pid = os.fork()
        if pid == 0:
            _be_forwarder(listener, agent)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        place.unlink(missing_ok=True)


@contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    before = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chdir(folder)
        yield
    finally:
        os.fchdir(before)
        os.close(before)


def _be_forwarder(listener: socket.socket, agent: Path) -> NoReturn:
    prctl(PrctlOption.SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the builder ends this
    try:
        _forward(listener, agent)
    finally:
        os._exit(0)


def _forward(listener: socket.socket, agent: Path) -> None:
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    others: dict[int, socket.socket] = {}
    """By the descriptor of each end of a connection the other end."""
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                _take_in(listener, agent, others, poll)
            elif descriptor in others:
                _hand_on(descriptor, others, poll)


def _take_in(
    listener: socket.socket, agent: Path, others: dict[int, socket.socket], poll: "select.poll"
) -> None:
    client, _ = listener.accept()
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(str(agent))
    except OSError:  # the agent has ended: to the client it looks like that, too
        client.close()
        server.close()
        return
    others[client.fileno()], others[server.fileno()] = server, client
    for each in (client, server):
        poll.register(each, select.POLLIN)


def _hand_on(descriptor: int, others: dict[int, socket.socket], poll: "select.poll") -> None:
    other = others[descriptor]
    data = b""
    with suppress(OSError):
        data = os.read(descriptor, _READ)
        other.sendall(data)
    if data:
        return
    # Requests and answers alternate: with one direction the other is over.
    for end in (others.pop(descriptor), others.pop(other.fileno())):
        poll.unregister(end)
        end.close()
