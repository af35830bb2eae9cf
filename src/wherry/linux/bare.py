"""What the modules `signal` and `socket` are made of, for processes that are to stay small.

Python writes a reference count to each object it looks at, and after a fork each page written to
is a copy. The modules look at their enumerations with every call; these functions and plain
numbers save a forked process 300 KiB.
"""

import _socket
import signal
import socket
from _signal import pthread_sigmask as set_mask  # type: ignore[import-not-found]
from _signal import signal as set_handler

__all__ = ("set_handler", "set_mask")

Socket = _socket.socket
socketpair = _socket.socketpair

SIGHUP, SIGINT, SIGTERM, SIGCHLD, SIGKILL = map(
    int, (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGKILL)
)
BY_DEFAULT, IGNORED = int(signal.SIG_DFL), int(signal.SIG_IGN)
BLOCK, UNBLOCK = int(signal.SIG_BLOCK), int(signal.SIG_UNBLOCK)

UNIX, STREAM, PACKETS = map(int, (socket.AF_UNIX, socket.SOCK_STREAM, socket.SOCK_SEQPACKET))
SOCKET_LEVEL, RIGHTS, PEER = map(int, (socket.SOL_SOCKET, socket.SCM_RIGHTS, socket.SO_PEERCRED))
DESCRIPTORS_CLOSE_ON_EXEC = int(socket.MSG_CMSG_CLOEXEC)


def accepted(listener: Socket) -> Socket:
    """The next connection of a listening socket."""
    descriptor, _ = listener._accept()  # type: ignore[attr-defined]
    return Socket(fileno=descriptor)


def send_descriptors(line: Socket, data: bytes, descriptors: bytes) -> None:
    """Send `data` with descriptors: their numbers as the machine has them, one after the other."""
    line.sendmsg((data,), ((SOCKET_LEVEL, RIGHTS, descriptors),))


def receive_descriptors(line: Socket, size: int, most: int) -> tuple[bytes, bytes]:
    """A message of up to `size` bytes, and the numbers of up to `most` descriptors with it."""
    data, ancillary, _, _ = line.recvmsg(size, 32 + 4 * most, DESCRIPTORS_CLOSE_ON_EXEC)
    numbers = b""
    for _, _, some in ancillary:
        numbers += some
    return data, numbers
