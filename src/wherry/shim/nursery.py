"""Where supervisors are forked: what the launcher was before it loaded the commands.

The memory that a child shares with it counts as the child's in part, and each page that it writes
to between two forks is one that the first child has for itself. So it holds what supervisors
need and no more, and does nothing but fork: the launcher sends it connections over a line.

    a connection    a child carries out its request
    a question      answered by whether there are children
    the end         it ends; its children live on
"""

import os
import select
import sys
from collections.abc import Callable

from wherry.linux.bare import (
    BY_DEFAULT,
    PACKETS,
    SIGTERM,
    UNIX,
    Socket,
    receive_descriptors,
    send_descriptors,
    set_handler,
    socketpair,
)
from wherry.shim.children import Children, Handle, has_children
from wherry.shim.keeper import Wake

QUIET_SECONDS = 0.05  # after which a spare is forked, which would only hinder those who ask
_CONNECTION, _QUESTION, _YES, _NO = b".", b"?", b"y", b"n"


class Nursery:
    """The launcher's end of the line."""

    def __init__(
        self,
        handle: Handle,
        wake: Wake,
        rehearse: Callable[[], None],
        others: tuple[int, ...],
    ) -> None:
        """Fork the process; the descriptors `others` are the launcher's alone."""
        self._line, theirs = socketpair(UNIX, PACKETS)
        launcher = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                set_handler(SIGTERM, BY_DEFAULT)
                for descriptor in (*others, self._line.fileno()):
                    os.close(descriptor)
                ours = [theirs.fileno()]
                _nurse(theirs, Children(handle, wake, rehearse, launcher, ours))
            finally:
                os._exit(0)
        theirs.close()

    def fileno(self) -> int:
        return self._line.fileno()

    def take(self, client: Socket) -> None:
        """Have a child carry out the request of `client`; OSError when there is no nursery."""
        number = client.fileno().to_bytes(4, sys.byteorder)
        send_descriptors(self._line, _CONNECTION, number)

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
            os.waitpid(self._pid, 0)
        except ChildProcessError:  # such is the answer where children reap themselves
            return


def _nurse(line: Socket, children: Children) -> None:
    poll = select.poll()
    poll.register(line, select.POLLIN)
    while True:
        if not poll.poll(None if children.spare else QUIET_SECONDS * 1000):
            children.fork_spare()
            continue
        order, numbers = receive_descriptors(line, 1, 1)
        if order == _CONNECTION:
            client = Socket(fileno=int.from_bytes(numbers, sys.byteorder))
            children.take(client)
            client.close()
        elif order == _QUESTION:
            children.dismiss_spare()
            line.send(_YES if has_children() else _NO)
        else:
            children.dismiss_spare()
            return
