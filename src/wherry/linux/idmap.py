"""User and group ID maps of user namespaces, user_namespaces(7)."""

import errno
import os
import socket
from collections.abc import Sequence
from typing import NoReturn

from wherry.linux.namespaces import CloneFlag, open_namespace, unshare

# (first inside, first outside, how many)
Range = tuple[int, int, int]


def map_text(ranges: Sequence[Range]) -> str:
    return "".join(f"{inside} {outside} {size}\n" for inside, outside, size in ranges)


def write_uid_map(pid: int, ranges: Sequence[Range]) -> None:
    """Give the user namespace of `pid` its user IDs; more than one's own need the privilege."""
    _write(f"/proc/{pid}/uid_map", map_text(ranges))


def write_gid_map(pid: int, ranges: Sequence[Range]) -> None:
    """The same for group IDs."""
    _write(f"/proc/{pid}/gid_map", map_text(ranges))


def in_first_user_namespace() -> bool:
    """Whether this process's IDs are the machine's own."""
    with open("/proc/self/uid_map") as file:
        return file.read().split() == ["0", "0", "4294967295"]


def forbid_setgroups(pid: int) -> None:
    """What the kernel asks of an unprivileged process before it may write a gid map."""
    _write(f"/proc/{pid}/setgroups", "deny")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.close(descriptor)


def user_namespace_with(uids: Sequence[Range], gids: Sequence[Range]) -> int:
    """A descriptor of a new user namespace with these maps, for mounts that translate IDs."""
    ours, theirs = socket.socketpair()
    with ours:
        child = os.fork()
        if child == 0:
            ours.close()
            _hold_user_namespace(theirs)
        theirs.close()
        try:
            if not ours.recv(1):
                raise PermissionError(errno.EPERM, "a user namespace cannot be made")
            write_uid_map(child, uids)
            write_gid_map(child, gids)
            return open_namespace(child, CloneFlag.NEWUSER)
        finally:
            ours.close()
            os.waitpid(child, 0)


def _hold_user_namespace(channel: socket.socket) -> NoReturn:
    try:
        unshare(CloneFlag.NEWUSER)
        channel.send(b"+")
        channel.recv(1)  # until the parent has what it wants, or is gone
    finally:
        os._exit(0)
