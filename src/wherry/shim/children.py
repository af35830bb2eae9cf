"""Children that carry out requests, one of them forked ahead.

Between requests one child is forked and rehearses: it opens the database and touches the memory
that a request will. It gets the next request; without a spare a child is forked there and then.
When somebody knocks it rehearses once more, while that client is still starting.
"""

from collections.abc import Callable
from contextlib import suppress
from os import WNOHANG, _exit, close, fork, waitpid

from wherry.linux.bare import (
    BY_DEFAULT,
    IGNORED,
    SIGCHLD,
    STREAM,
    UNIX,
    Socket,
    receive_descriptor,
    send_descriptor,
    set_handler,
    socketpair,
)
from wherry.shim.keeper import Keeper, Wake, Work, keep
from wherry.shim.knock import KNOCK
from wherry.typed import Protocol

_MOST_KNOCKS = 64


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
        handle: Work,
        wake: Wake,
        rehearse: Callable[[], None],
        launcher: int,
        ours: list[int],
    ) -> None:
        """`handle` carries out a request, given the descriptor of its connection."""
        self.handle = handle
        self.wake = wake
        self.rehearse = rehearse
        self.launcher = launcher
        self.ours = ours
        self.spare = 0  # the child that waits for a request, and the line to it
        self.line: Socket | None = None
        self.wait_for_request = self._wait_for_request  # a method is made whenever it is named

    def take(self, client: int) -> None:
        """Have a child carry out the request of a descriptor, which is still open here."""
        line = self.line
        self.line, self.spare = None, 0
        if line is None or not _sent(line, client):
            self._fork(self.handle, client)

    def knock(self) -> None:
        """Have the spare, if there is one, get ready: a request is about to come."""
        if self.line is not None:
            with suppress(OSError):  # somebody may have killed it
                self.line.send(KNOCK)

    def fork_spare(self) -> None:
        """Fork a child for the next request."""
        self.line, theirs = socketpair(UNIX, STREAM)
        number = theirs.detach()
        self.spare = self._fork(self.wait_for_request, number)
        close(number)

    def _fork(self, work: Work, connection: int) -> int:
        """A child whose worker does `work`, with the `connection` that this needs."""
        child = fork()
        if child == 0:
            # Whatever happens here must not come back into the caller's loop.
            try:
                for descriptor in self.ours:
                    close(descriptor)
                if self.line is not None:
                    self.line.close()
                keep(work, self.wake, connection, self.launcher)
            finally:
                _exit(0)
        return child

    def see_to(self, care: Care) -> None:
        """Have a child do what `care` has to do, if anything."""
        if care.is_needed() and fork() == 0:
            try:
                set_handler(SIGCHLD, BY_DEFAULT)
                for descriptor in self.ours:
                    close(descriptor)
                care.take()
            finally:
                _exit(0)

    def _wait_for_request(self, number: int, keeper: Keeper) -> None:
        line = Socket(fileno=number)
        said, client = KNOCK, -1
        while said and client < 0:
            self.rehearse()
            # All knocks at once: to rehearse for each would keep the request waiting.
            said, client = receive_descriptor(line, _MOST_KNOCKS)
        line.close()
        if client >= 0:  # else we are needed no more
            self.handle(client, keeper)

    def dismiss_spare(self) -> None:
        line, spare = self.line, self.spare
        self.line, self.spare = None, 0
        if line is not None:
            line.close()  # it reads the end
            with suppress(ChildProcessError):  # such is the answer where children reap themselves
                waitpid(spare, 0)


def _sent(line: Socket, client: int) -> bool:
    try:
        send_descriptor(line, b".", client)
    except OSError:  # somebody may have killed who waits
        return False
    finally:
        line.close()
    return True


def reap_themselves() -> None:
    """Have the kernel reap children; each puts the default back before it forks."""
    set_handler(SIGCHLD, IGNORED)


def has_children() -> bool:
    """Whether any fork of this process is there, where they reap themselves."""
    try:
        waitpid(-1, WNOHANG)
    except ChildProcessError:
        return False
    return True
