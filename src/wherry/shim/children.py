"""Children that carry out requests, one of them forked ahead.

Between requests one child is forked and rehearses: it opens the database and touches the memory
that a request will. It gets the next request; without a spare a child is forked there and then.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from os import setsid
from typing import Protocol

from wherry.linux.bare import (
    BY_DEFAULT,
    IGNORED,
    SIGCHLD,
    SIGHUP,
    SIGINT,
    SIGTERM,
    STREAM,
    UNIX,
    Socket,
    receive_descriptors,
    send_descriptors,
    set_handler,
    socketpair,
)
from wherry.shim.keeper import Keeper, Wake, Work, keep
from wherry.values import dataclass

Handle = Callable[[socket.socket, Keeper], None]  # a request, from its connection


@dataclass
class _Spare:
    """A child that waits for a request at the other end of `line`."""

    pid: int
    line: Socket


class Care(Protocol):
    """Something to see to whenever it is ready for reading."""

    def fileno(self) -> int: ...

    def is_needed(self) -> bool:
        """Take note of what has come; whether there is anything to do."""

    def take(self) -> None:
        """Do it."""


class Children:
    """Forks of this process. The descriptors that are in `ours` by then are not for them."""

    def __init__(
        self,
        handle: Handle,
        wake: Wake,
        rehearse: Callable[[], None],
        launcher: int,
        ours: list[int],
    ) -> None:
        self.handle = handle
        self.wake = wake
        self.rehearse = rehearse
        self.launcher = launcher
        self.ours = ours
        self.spare: _Spare | None = None

    def take(self, client: Socket) -> None:
        """Have a child carry out the request of `client`, which is still open here."""
        if not self._give_to_spare(client):
            self._fork(_Handling(client, self.handle), client)

    def _fork(self, work: Work, connection: Socket, other: Socket | None = None) -> int:
        """A child whose worker does `work`, with the `connection` that this needs; no `other`."""
        child = os.fork()
        if child == 0:
            # Whatever happens here must not come back into the caller's loop.
            try:
                self._close_ours()
                if other is not None:
                    other.close()
                start_as_child()
                keep(work, self.wake, (connection.fileno(),), self.launcher)
            finally:
                os._exit(0)
        return child

    def see_to(self, care: Care) -> None:
        """Have a child do what `care` has to do, if anything."""
        if care.is_needed() and os.fork() == 0:
            try:
                set_handler(SIGCHLD, BY_DEFAULT)
                self._close_ours()
                care.take()
            finally:
                os._exit(0)

    def _close_ours(self) -> None:
        for descriptor in self.ours:
            os.close(descriptor)
        if self.spare is not None:
            self.spare.line.close()

    def fork_spare(self) -> None:
        """Fork a child for the next request."""
        ours, theirs = socketpair(UNIX, STREAM)

        def wait_for_request(keeper: Keeper) -> None:
            self.rehearse()
            _, numbers = receive_descriptors(theirs, 1, 1)
            if numbers:  # else we are needed no more
                theirs.close()
                client = Socket(fileno=int.from_bytes(numbers, sys.byteorder))
                _Handling(client, self.handle)(keeper)

        self.spare = _Spare(self._fork(wait_for_request, theirs, ours), ours)
        theirs.close()

    def _give_to_spare(self, client: Socket) -> bool:
        spare, self.spare = self.spare, None
        if spare is None:
            return False
        try:
            send_descriptors(spare.line, b".", client.fileno().to_bytes(4, sys.byteorder))
        except OSError:  # somebody may have killed it
            return False
        finally:
            spare.line.close()
        return True

    def dismiss_spare(self) -> None:
        spare, self.spare = self.spare, None
        if spare is not None:
            spare.line.close()  # it reads the end
            with suppress(ChildProcessError):  # such is the answer where children reap themselves
                os.waitpid(spare.pid, 0)


class _Handling:
    """The work of a child that carries out one request."""

    def __init__(self, client: Socket, handle: Handle) -> None:
        self.client = client
        self.handle = handle

    def __call__(self, keeper: Keeper) -> None:
        self.handle(socket.socket(fileno=self.client.detach()), keeper)


def reap_themselves() -> None:
    """Have the kernel reap children; each puts the default back before it forks."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def start_as_child() -> None:
    """Be nobody's: of no session but one's own, with the signals of a new process."""
    setsid()
    set_handler(SIGCHLD, BY_DEFAULT)
    set_handler(SIGTERM, BY_DEFAULT)
    # A terminal or a group that goes away is none of a shim's business.
    set_handler(SIGHUP, IGNORED)
    set_handler(SIGINT, IGNORED)


def has_children() -> bool:
    """Whether any fork of this process is there, where they reap themselves."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True
