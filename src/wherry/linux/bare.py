"""What the modules `signal` and `socket` are made of, for processes that are to stay small.

Python writes a reference count to each object it looks at, and after a fork each page written to
is a copy. The modules look at their enumerations with every call; these functions and plain
numbers save a forked process 300 KiB.
"""

import _socket
import ctypes
import signal
import socket
from _signal import pthread_sigmask as set_mask  # type: ignore[import-not-found]
from _signal import signal as set_handler
from struct import Struct

from wherry.linux.process import PrctlOption

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


_ROOM_FOR_ONE = socket.CMSG_SPACE(4)
_pack_number, _unpack_number = Struct("=i").pack, Struct("=i").unpack
_prctl = ctypes.CDLL(None).prctl  # undeclared, it takes plain numbers as they are
_SET_CHILD_SUBREAPER = int(PrctlOption.SET_CHILD_SUBREAPER)


def adopt_orphans(wanted: int = 1) -> None:
    """As `process.become_subreaper`, or with 0 no more."""
    _prctl(_SET_CHILD_SUBREAPER, wanted, 0, 0, 0)


def accepted(listener: Socket) -> Socket:
    """The next connection of a listening socket."""
    descriptor, _ = listener._accept()  # type: ignore[attr-defined]
    return Socket(fileno=descriptor)


def send_descriptor(line: Socket, data: bytes, number: int) -> None:
    """Send `data`, and a descriptor along with it."""
    line.sendmsg((data,), ((SOCKET_LEVEL, RIGHTS, _pack_number(number)),))


def receive_descriptor(line: Socket, size: int) -> tuple[bytes, int]:
    """A message of up to `size` bytes, and the descriptor that came along with it, or -1."""
    data, ancillary, _, _ = line.recvmsg(size, _ROOM_FOR_ONE, DESCRIPTORS_CLOSE_ON_EXEC)
    return data, _unpack_number(ancillary[0][2])[0] if ancillary else -1
