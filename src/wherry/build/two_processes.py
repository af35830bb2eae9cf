"""Work in two halves: one here, one in a fork that ends with it."""

import marshal
import os
import signal
from collections.abc import Callable
from typing import NoReturn

from wherry.errors import Internal
from wherry.linux.files import write_all
from wherry.linux.process import PrctlOption, prctl

_READ = 1 << 20


class HalfLost(Internal):
    def __init__(self) -> None:
        super().__init__("a process of the build was killed")


def in_two_processes(here: Callable[[], None], beside: Callable[[], bytes]) -> bytes:
    """Do `here`, and `beside` in a fork at the same time; what that returned.

    Raises the OSError of either. Only for a process with one thread; what the fork uses must be
    fit for that, which a connection to the database is not.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        _be_fork(beside, writer)
    os.close(writer)
    ended = False
    try:
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


def _be_fork(work: Callable[[], bytes], writer: int) -> NoReturn:
    # Neither a builder that was killed nor one that was interrupted leaves it at work.
    prctl(PrctlOption.SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    try:
        try:
            answer = (None, work())
        except OSError as error:
            write_all(writer, marshal.dumps(((error.errno, error.strerror, _name(error)), b"")))
        else:
            write_all(writer, marshal.dumps(answer))
    finally:
        os._exit(0)


def _name(error: OSError) -> str:
    return os.fsdecode(error.filename) if error.filename else ""


def _read_all(reader: int) -> bytes:
    pieces = []
    while piece := os.read(reader, _READ):
        pieces.append(piece)
    return b"".join(pieces)
