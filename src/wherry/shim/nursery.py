"""Where supervisors are forked: what the launcher was before it loaded the commands.

The memory that a child shares with it counts as the child's in part, and each page that it writes
to between two forks is one that the first child has for itself. So it holds what supervisors
need and no more, and does nothing but fork: the launcher sends it connections over a line.

    a connection    a child carries out its request
    a knock         the spare child gets ready for one
    a question      answered by whether there are children
    the end         it ends; its children live on
"""

from collections.abc import Callable
from os import _exit, close, fork, getpid, waitpid
from select import POLLIN, poll

from wherry.linux.bare import (
    BY_DEFAULT,
    PACKETS,
    SIGTERM,
    UNIX,
    Socket,
    receive_descriptor,
    send_descriptor,
    set_handler,
    socketpair,
)
from wherry.shim import memory
from wherry.shim.children import Children, has_children
from wherry.shim.keeper import Wake, Work
from wherry.shim.keeper import rehearse as rehearse_keeping
from wherry.shim.knock import KNOCK

QUIET_SECONDS = 0.05  # after which a spare is forked, which would only hinder those who ask
_QUIET = int(QUIET_SECONDS * 1000)
_CONNECTION, _QUESTION, _YES, _NO = b".", b"?", b"y", b"n"


class Nursery:
    """The launcher's end of the line."""

    def __init__(
        self,
        handle: Work,
        wake: Wake,
        rehearse: Callable[[], None],
        others: tuple[int, ...],
    ) -> None:
        """Fork the process; the descriptors `others` are the launcher's alone."""
        self._line, theirs = socketpair(UNIX, PACKETS)
        launcher = getpid()
        self._pid = fork()
        if self._pid == 0:
            try:
                set_handler(SIGTERM, BY_DEFAULT)
                rehearse_keeping()
                for descriptor in (*others, self._line.fileno()):
                    close(descriptor)
                ours = [theirs.fileno()]
                children = Children(handle, wake, rehearse, launcher, ours)
                memory.ready_locks()
                _nurse(theirs, children)
            finally:
                _exit(0)
        theirs.close()

    def fileno(self) -> int:
        return self._line.fileno()

    def take(self, client: int) -> None:
        """Have a child carry out a descriptor's request; OSError when there is no nursery."""
        send_descriptor(self._line, _CONNECTION, client)

    def knock(self) -> None:
        """Tell of a request to come; OSError when there is no nursery."""
        self._line.send(KNOCK)

    @property
    def has_children(self) -> bool:
        try:
            self._line.send(_QUESTION)
            return self._line.recv(1) == _YES
        except OSError:
            return False

    def end(self) -> None:
        """End the process, and wait for that."""
        self._line.close()
        try:
            waitpid(self._pid, 0)
        except ChildProcessError:  # such is the answer where children reap themselves
            return


def _nurse(line: Socket, children: Children) -> None:
    waiting = poll()
    waiting.register(line, POLLIN)
    while True:
        if not waiting.poll(None if children.spare else _QUIET):
            children.fork_spare()
            continue
        order, client = receive_descriptor(line, 1)
        if order == _CONNECTION:
            children.take(client)
            close(client)
        elif order == KNOCK:
            children.knock()
        elif order == _QUESTION:
            children.dismiss_spare()
            line.send(_YES if has_children() else _NO)
        else:
            children.dismiss_spare()
            return
