"""Processes: identity by pidfd and start time, prctl(2), and what must not cross an exec."""

import gc
import os
import signal
from _signal import getsignal as get_handler  # type: ignore[import-not-found]
from _signal import pthread_sigmask as set_mask
from _signal import signal as set_handler
from ctypes import c_char, c_int, c_uint, c_ulong
from enum import IntEnum
from pathlib import Path
from struct import Struct

from wherry.linux.libc import declare, last_error, syscall

_prctl = declare("prctl", c_int, c_ulong, c_ulong, c_ulong, c_ulong)
_close_range = declare("close_range", c_uint, c_uint, c_int)
_personality = declare("personality", c_ulong)

_X86 = {"rt_sigaction": 13, "keyctl": 250, "ioprio_set": 251, "sched_setattr": 314}
_GENERIC = {"rt_sigaction": 134, "keyctl": 219, "ioprio_set": 30, "sched_setattr": 274}
_NUMBERS = _X86 if os.uname().machine == "x86_64" else _GENERIC

_SYS_PIDFD_GETFD = 438

_KEYCTL_JOIN_SESSION_KEYRING = 1
_KEYCTL_SETPERM = 5
_KEYCTL_DESCRIBE = 6
_SCHED_ATTR = Struct("=IIQiIQQQ")
_LONGEST_STAT = 4096
_HIGHEST_DESCRIPTOR = 0xFFFFFFFF
_CLOSE_RANGE_CLOEXEC = 4


class PrctlOption(IntEnum):
    SET_PDEATHSIG = 1
    GET_DUMPABLE = 3
    SET_DUMPABLE = 4
    SET_KEEPCAPS = 8
    CAPBSET_READ = 23
    CAPBSET_DROP = 24
    SET_CHILD_SUBREAPER = 36
    SET_NO_NEW_PRIVS = 38
    CAP_AMBIENT = 47


def prctl(option: PrctlOption, second: int = 0, third: int = 0) -> int:
    """Call prctl(2); OSError on failure."""
    result = _prctl(option, second, third, 0, 0)
    if result < 0:
        raise last_error()
    return int(result)


def take_descriptor(pidfd: int, number: int) -> int:
    """A copy of descriptor `number` of another process that one may trace, pidfd_getfd(2)."""
    return syscall(_SYS_PIDFD_GETFD, pidfd, number, 0)


def start_time(pid: int) -> int:
    """When `pid` started, in clock ticks since boot: with it a pid names one process for ever.

    Raises ProcessLookupError or FileNotFoundError when there is no such process.
    """
    return int(_stat_fields(pid)[19])


def process_state(pid: int) -> str:
    """The letter of proc_pid_stat(5): R, S, D, Z (dead but not waited for), T ..."""
    return _stat_fields(pid)[0].decode()


def command_line(pid: int) -> bytes:
    """The arguments of `pid`, each ended by NUL; a fork has those of its parent."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _stat_fields(pid: int) -> list[bytes]:
    descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    try:
        line = os.read(descriptor, _LONGEST_STAT)
    finally:
        os.close(descriptor)
    # The name, in parentheses, may itself hold blanks and parentheses.
    return line.rpartition(b")")[2].split()


def open_process(pid: int, started: int) -> int:
    """A pidfd of the process `pid` that started at `started`, or ProcessLookupError."""
    pidfd = os.pidfd_open(pid)
    try:
        # Read after the pidfd was opened, so that the number cannot change its owner between.
        if start_time(pid) == started:
            return pidfd
    except FileNotFoundError:
        pass
    os.close(pidfd)
    raise ProcessLookupError(3, "the process is gone", str(pid))


_SET_CHILD_SUBREAPER = int(PrctlOption.SET_CHILD_SUBREAPER)


def become_subreaper() -> None:
    """Adopt orphaned descendants, PR_SET_CHILD_SUBREAPER."""
    # Without the enumeration: those who call this are to stay small, see `bare`.
    if _prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise last_error()


def close_other_descriptors(keep: set[int]) -> None:
    """Close every descriptor that is not in `keep`, in a process that was just forked.

    Their numbers are others' from here on. So what garbage there is stays: a file or a database
    among it would close what has its number by the time that it is collected.
    """
    gc.freeze()
    lowest = 0
    for descriptor in sorted(keep):
        if descriptor > lowest:
            _close(lowest, descriptor - 1)
        lowest = descriptor + 1
    _close(lowest, _HIGHEST_DESCRIPTOR)


def close_on_exec_from(lowest: int) -> None:
    """Let no descriptor from `lowest` on survive an exec."""
    if _close_range(lowest, _HIGHEST_DESCRIPTOR, _CLOSE_RANGE_CLOEXEC) != 0:
        raise last_error()


def _close(lowest: int, highest: int) -> None:
    if _close_range(lowest, highest, 0) != 0:
        raise last_error()


def reset_signals() -> None:
    """Default dispositions and nothing blocked: Python itself ignores SIGPIPE and SIGXFSZ."""
    for number in range(1, signal.NSIG):
        # Handlers end with exec; only SIG_IGN is passed on. None was set by other than Python.
        if number not in _UNCATCHABLE and get_handler(number) in (_IGNORED, None):
            set_handler(number, _BY_DEFAULT)
    for number in _OF_THE_C_LIBRARY:
        # Who started us may have ignored all; the C library's own calls leave these two alone.
        syscall(_NUMBERS["rt_sigaction"], number, bytes(_LARGEST_SIGACTION), None, 8)
    set_mask(_AS_A_WHOLE, ())


# Plain numbers: the module's own functions look at an enumeration with each call.
_BY_DEFAULT, _IGNORED = int(signal.SIG_DFL), int(signal.SIG_IGN)
_AS_A_WHOLE = int(signal.SIG_SETMASK)
_OF_THE_C_LIBRARY = (32, 33)
_UNCATCHABLE = frozenset((signal.SIGKILL, signal.SIGSTOP, *_OF_THE_C_LIBRARY))
_LARGEST_SIGACTION = 32  # the kernel's structure: handler, flags, restorer, mask


def join_session_keyring(name: str) -> None:
    """Start a session keyring of our own, keyctl(2), so that the parent's keys are out of reach."""
    ring = syscall(_NUMBERS["keyctl"], _KEYCTL_JOIN_SESSION_KEYRING, name.encode())
    description = (c_char * 256)()
    syscall(_NUMBERS["keyctl"], _KEYCTL_DESCRIBE, ring, description, len(description))
    permissions = int(description.value.decode().split(";")[3], 16)
    # The user may search it, so that processes of the container that join later find it.
    syscall(_NUMBERS["keyctl"], _KEYCTL_SETPERM, ring, permissions | 0x00080000)


def set_personality(domain: int) -> None:
    """Change the execution domain, personality(2)."""
    if _personality(domain) < 0:
        raise last_error()


def set_io_priority(scheduling_class: int, priority: int) -> None:
    """Change the I/O priority of this process, ioprio_set(2)."""
    syscall(_NUMBERS["ioprio_set"], 1, 0, scheduling_class << 13 | priority)


def set_scheduler(
    policy: int,
    *,
    flags: int = 0,
    nice: int = 0,
    priority: int = 0,
    runtime: int = 0,
    deadline: int = 0,
    period: int = 0,
) -> None:
    """Change the scheduling of this process, sched_setattr(2); times in nanoseconds."""
    attributes = _SCHED_ATTR.pack(
        _SCHED_ATTR.size, policy, flags, nice, priority, runtime, deadline, period
    )
    syscall(_NUMBERS["sched_setattr"], 0, attributes, 0)
