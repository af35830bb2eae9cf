"""Standing in for a client: a child carries out what the client would, where it would be the same.

It takes on what makes a process the client's: standard descriptors, folder and environment. The
files that it sees and its rights must be the client's already.
"""

import os
import socket
import struct
import time

from wherry.shim.request import Request

_DESCRIPTORS = 4  # standard input, output and error, and the folder
_CREDENTIALS = struct.Struct("3i")
_RIGHTS = (b"Uid:", b"Gid:", b"Groups:", b"CapEff:", b"NoNewPrivs:", b"Seccomp:")


def stands_beside(client: socket.socket) -> bool:
    """Whether the client sees the files that we see, with the same rights."""
    data = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, _, _ = _CREDENTIALS.unpack(data)
    try:
        return _standing(str(pid)) == _standing("self")
    except OSError:  # in another PID namespace, or gone
        return False


def _standing(process: str) -> tuple[object, ...]:
    spaces = [os.stat(f"/proc/{process}/ns/{name}").st_ino for name in ("mnt", "user")]
    root = os.stat(f"/proc/{process}/root")
    with open(f"/proc/{process}/status", "rb") as status:
        rights = [line for line in status if line.startswith(_RIGHTS)]
    return (spaces, root.st_dev, root.st_ino, rights)


def stand_in_for_client(request: Request) -> None:
    """Have the descriptors that came along as 0, 1, 2 and folder, and the client's environment."""
    environ = request.payload["environ"]
    assert isinstance(environ, dict)
    descriptors = request.descriptors
    assert len(descriptors) == _DESCRIPTORS
    *standard, folder = descriptors
    os.fchdir(folder)
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
    for descriptor in descriptors:
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
