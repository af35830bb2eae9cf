"""Work in two halves: one here, one in a fork that ends with it."""

import marshal
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from fcntl import F_SETPIPE_SZ, fcntl
from typing import NoReturn

from wherry.errors import Internal
from wherry.linux.files import write_all
from wherry.linux.process import PrctlOption, prctl

_READ = 1 << 20
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


class HalfLost(Internal):
    def __init__(self) -> None:
        super().__init__("a process of the build was killed")


def in_two_processes(here: Callable[[], None], beside: Callable[[], bytes]) -> bytes:
    """Do `here`, and `beside` in a fork at the same time if one can be had; what that returned.

    Raises the OSError of either. Only for a process with one thread; what the fork uses must be
    fit for that, which a connection to the database is not.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    with suppress(OSError):  # somebody has many such pipes
        fcntl(writer, F_SETPIPE_SZ, _READ)
    # The fork has our handlers at first: what they raise there must not come back into our callers.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    try:
        pid = os.fork()
    except OSError:  # no process to be had
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(reader)
        os.close(writer)
        here()
        return beside()
    if pid == 0:
        _be_fork(beside, writer, before)
    ended = False
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writer)
        here()
        answer = _read_all(reader)
        ended = True
    finally:
        os.close(reader)
        if not ended:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    if not answer:
        raise HalfLost
    error, result = marshal.loads(answer)
    if error is not None:
        raise OSError(*error)
    assert isinstance(result, bytes)
    return result


def _be_fork(work: Callable[[], bytes], writer: int, mask: set[int | signal.Signals]) -> NoReturn:
    try:
        # Neither a builder that was killed nor one that was interrupted leaves it at work.
        prctl(PrctlOption.SET_PDEATHSIG, signal.SIGKILL)
        for number in _INTERRUPTS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            answer = marshal.dumps((None, work()))
        except OSError as error:
            answer = marshal.dumps(((error.errno, error.strerror, _name(error)), b""))
        write_all(writer, answer)
    finally:
        os._exit(0)


def _name(error: OSError) -> str:
    return os.fsdecode(error.filename) if error.filename else ""


def _read_all(reader: int) -> bytes:
    pieces = []
    while piece := os.read(reader, _READ):
        pieces.append(piece)
    return b"".join(pieces)
