"""Loading a seccomp filter, seccomp(2)."""

import os
from ctypes import Structure, byref, c_char_p, c_ushort
from enum import IntFlag

from wherry.linux.libc import syscall

_SYS_SECCOMP = 317 if os.uname().machine == "x86_64" else 277
_SET_MODE_FILTER = 1
_GET_ACTION_AVAIL = 2
_INSTRUCTION_SIZE = 8


class _Program(Structure):
    """struct sock_fprog."""

    _fields_ = (("length", c_ushort), ("instructions", c_char_p))  # type: ignore[mutable-override]


class FilterFlag(IntFlag):
    TSYNC = 1
    LOG = 2
    SPEC_ALLOW = 4
    NEW_LISTENER = 8
    WAIT_KILLABLE_RECV = 32


def load_filter(program: bytes, flags: int = 0) -> int:
    """Confine this process by the BPF `program`; with NEW_LISTENER returns its descriptor.

    Needs no_new_privs or CAP_SYS_ADMIN.
    """
    head = _Program(len(program) // _INSTRUCTION_SIZE, program)
    descriptor = syscall(_SYS_SECCOMP, _SET_MODE_FILTER, flags, byref(head))
    if flags & FilterFlag.NEW_LISTENER:
        os.set_inheritable(descriptor, False)
    return descriptor


def action_available(action: int) -> bool:
    """Whether this kernel knows a filter's return value."""
    value = action.to_bytes(4, "little")
    try:
        syscall(_SYS_SECCOMP, _GET_ACTION_AVAIL, 0, value)
    except OSError:
        return False
    return True
