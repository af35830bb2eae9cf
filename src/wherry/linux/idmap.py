"""User and group ID maps of user namespaces, user_namespaces(7)."""

import errno
import os
import socket
from collections.abc import Sequence

from wherry.linux.namespaces import CloneFlag, unshare
from wherry.linux.openat import opened
from wherry.typed import NoReturn

# (first inside, first outside, how many)
Range = tuple[int, int, int]


def map_text(ranges: Sequence[Range]) -> str:
    return "".join(f"{inside} {outside} {size}\n" for inside, outside, size in ranges)


def open_process_folder(pid: int | str) -> int:
    """A descriptor of /proc/PID, from where a process's maps are written."""
    return os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def write_uid_map(process: int, ranges: Sequence[Range]) -> None:
    """Give the user namespace of `process` (its folder in /proc, a descriptor) its user IDs.

    More than one's own need the privilege.
    """
    _write(process, "uid_map", map_text(ranges))


def write_gid_map(process: int, ranges: Sequence[Range]) -> None:
    """The same for group IDs."""
    _write(process, "gid_map", map_text(ranges))


def forbid_setgroups(process: int) -> None:
    """What the kernel asks of an unprivileged process before it may write a gid map."""
    _write(process, "setgroups", "deny")


def _write(process: int, name: str, text: str) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=process)
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from None
    finally:
        os.close(descriptor)


def in_first_user_namespace() -> bool:
    """Whether this process's IDs are the machine's own."""
    with open("/proc/self/uid_map") as file:
        return file.read().split() == ["0", "0", "4294967295"]


def user_in_parent_namespace() -> int:
    """Our user ID as the user namespace above ours has it; without one above, ours."""
    own = os.geteuid()
    with open("/proc/self/uid_map") as file:
        for line in file:
            inside, outside, size = map(int, line.split())
            if inside <= own < inside + size:
                return outside + own - inside
    return own


def user_namespace_with(uids: Sequence[Range], gids: Sequence[Range]) -> int:
    """A descriptor of a new user namespace with these maps, for mounts that translate IDs.

    Also where /proc is of another PID namespace than ours, where our child's number is another's:
    the child tells by a descriptor which process it is.
    """
    ours, theirs = socket.socketpair()
    with ours:
        child = os.fork()
        if child == 0:
            ours.close()
            _hold_user_namespace(theirs)
        theirs.close()
        try:
            data, descriptors, _, _ = socket.recv_fds(ours, 1, 1, socket.MSG_CMSG_CLOEXEC)
            if not data:
                raise PermissionError(errno.EPERM, "a user namespace cannot be made")
            with opened(descriptors[0]) as process:
                write_uid_map(process, uids)
                write_gid_map(process, gids)
                return os.open("ns/user", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
        finally:
            ours.close()
            os.waitpid(child, 0)


def _hold_user_namespace(channel: socket.socket) -> NoReturn:
    try:
        unshare(CloneFlag.NEWUSER)
        socket.send_fds(channel, [b"+"], [open_process_folder("self")])
        channel.recv(1)  # until the parent has what it wants, or is gone
    finally:
        os._exit(0)
