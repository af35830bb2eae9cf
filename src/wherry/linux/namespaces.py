"""Namespaces: unshare(2), setns(2), and a fork whose child belongs to the caller's parent."""

import ctypes
import os
from ctypes import c_int
from enum import IntFlag
from struct import Struct

from wherry.linux.libc import declare, last_error, syscall

_unshare = declare("unshare", c_int)
_setns = declare("setns", c_int, c_int)

_SYS_CLONE = {"x86_64": 56, "aarch64": 220}
_SYS_CLONE3 = 435  # the same on every architecture
_CLONE_PARENT = 0x8000
_CLONE_INTO_CGROUP = 0x200000000
_SIGCHLD = 17
# clone3(2): flags, pidfd, child_tid, parent_tid, exit_signal, stack, its size, tls, set_tid, its
# size, cgroup.
_CLONE_ARGUMENTS = Struct("=11Q")


class CloneFlag(IntFlag):
    """The namespaces that can be unshared and joined."""

    NEWTIME = 0x80
    NEWNS = 0x20000
    NEWCGROUP = 0x2000000
    NEWUTS = 0x4000000
    NEWIPC = 0x8000000
    NEWUSER = 0x10000000
    NEWPID = 0x20000000
    NEWNET = 0x40000000


# Their names in /proc/PID/ns.
FILES = {
    CloneFlag.NEWTIME: "time",
    CloneFlag.NEWNS: "mnt",
    CloneFlag.NEWCGROUP: "cgroup",
    CloneFlag.NEWUTS: "uts",
    CloneFlag.NEWIPC: "ipc",
    CloneFlag.NEWUSER: "user",
    CloneFlag.NEWPID: "pid",
    CloneFlag.NEWNET: "net",
}


def unshare(flags: int) -> None:
    """Move this process (for PID and TIME: its future children) to new namespaces."""
    if _unshare(flags) != 0:
        raise last_error()


def join_namespace(descriptor: int, flags: int) -> None:
    """Join the namespace of a /proc/PID/ns descriptor, or those in `flags` of a pidfd."""
    if _setns(descriptor, flags) != 0:
        raise last_error()


def open_namespace(pid: int | str, flag: CloneFlag) -> int:
    """A descriptor of one namespace of `pid` ("self" for our own)."""
    return os.open(f"/proc/{pid}/ns/{FILES[flag]}", os.O_RDONLY | os.O_CLOEXEC)


def fork_into(cgroup: int) -> int:
    """As os.fork, but the child begins in the v2 cgroup whose directory `cgroup` is, clone3(2).

    A process is born there at no cost, while moving one waits for a grace period of RCU. Only for
    a process with one thread: the C library is not told.
    """
    arguments = _CLONE_ARGUMENTS.pack(_CLONE_INTO_CGROUP, 0, 0, 0, _SIGCHLD, 0, 0, 0, 0, 0, cgroup)
    ctypes.pythonapi.PyOS_BeforeFork()
    child = -1
    try:
        child = syscall(_SYS_CLONE3, arguments, _CLONE_ARGUMENTS.size)
    finally:
        if child == 0:
            ctypes.pythonapi.PyOS_AfterFork_Child()
        else:
            ctypes.pythonapi.PyOS_AfterFork_Parent()
    return child


def fork_sibling() -> int:
    """As fork(2), but the child's parent is the caller's parent, which can wait for it.

    Only for a process that has just been forked and has one thread: Python is not told.
    """
    number = _SYS_CLONE[os.uname().machine]
    return syscall(number, _CLONE_PARENT | _SIGCHLD, 0, 0, 0, 0)
