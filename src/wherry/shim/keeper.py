"""The process that stays with a container, and sleeps: it has touched nearly none of its memory.

A fork shares its parent's memory until either writes, and Python writes to whatever it looks at.
So the process that is to stay for months does nothing but wait; all else is done in forks of it.

    launcher ──fork──> keeper ──fork──> worker    carries out the request, supervises
                         │ <── lock ──────┤       the container's lock is the keeper's
                         │ <── sleep ─────┘       nothing to do: its descriptors and what it
                         │                        must remember go to the keeper, and it ends
                      (waits, in poll)
                         │ ──fork──> worker       goes on, with all of it
                         │ <── reap ──────┤       what a worker that slept has started is now a
                         │ <── leave ─────┘       child of the keeper, as the subreaper

Neither outlives the other while the container runs: the kernel kills the worker with its keeper,
and a keeper whose worker ends without a word ends too. Both are as a supervisor that was killed.
"""

import gc
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, lockf
from os import (
    EFD_CLOEXEC,
    EFD_NONBLOCK,
    P_ALL,
    P_PID,
    WEXITED,
    WNOHANG,
    WNOWAIT,
    _exit,
    close,
    eventfd,
    eventfd_read,
    eventfd_write,
    fork,
    getpid,
    getppid,
    kill,
    waitid,
    waitpid,
)
from select import POLLIN, poll
from struct import Struct
from typing import NoReturn, Protocol

from wherry.linux.bare import (
    BLOCK,
    PACKETS,
    SIGCHLD,
    SIGKILL,
    SIGTERM,
    UNBLOCK,
    UNIX,
    Socket,
    receive_descriptors,
    send_descriptors,
    set_handler,
    set_mask,
    socketpair,
)
from wherry.linux.process import PrctlOption, become_subreaper, prctl

_MOST_DESCRIPTORS = 200  # in one message; the kernel takes 253, unix(7)
_LARGEST_MESSAGE = 4096

# What a worker says, in one byte before what goes with it.
_LOCK = b"l"  # a descriptor; answered by _DONE, or by nothing but _TAKEN
_REAP = b"r"  # a pid; answered by its code and status
_KEEP = b"k"  # descriptors; events for each
_STAY = b"s"  # to forget what it was to keep
_SLEEP = b"z"  # milliseconds, or -1; a pid
_LEAVE = b"e"
_DONE, _TAKEN = b"y", b"n"
_TWO = Struct("=qq")

Work = Callable[["Keeper"], None]


class Wake(Protocol):
    """What a worker does that takes over from one before it: all it has are the descriptors."""

    def __call__(self, keeper: "Keeper", *, descriptors: list[int], told: bool) -> None: ...


class Keeper:
    """A worker's line to its keeper."""

    def __init__(self, line: Socket, launcher: int) -> None:
        self._line = line
        self.launcher = launcher  # who has got the request

    def try_lock(self, descriptor: int) -> bool:
        """Have the keeper lock a file, and let go of what it had locked; False if it is taken."""
        send_descriptors(self._line, _LOCK, array("i", (descriptor,)).tobytes())
        return self._answer() == _DONE

    def reap(self, pid: int) -> tuple[int, int]:
        """Wait for a process that was left to the keeper; its code and status, waitid(2)."""
        self._line.send(_REAP + _TWO.pack(pid, 0))
        code, status = _TWO.unpack(self._answer())
        return code, status

    def _answer(self) -> bytes:
        answer = self._line.recv(_LARGEST_MESSAGE)
        if not answer:
            _exit(1)  # the keeper has just been killed, and we are about to be
        return answer

    def sleep(
        self, descriptors: Sequence[tuple[int, int]], seconds: float | None, init: int
    ) -> NoReturn:
        """End, and have the keeper fork another worker when there is something to do.

        That is in `seconds`, or when one of the `descriptors` has the events beside it; -1 is for
        one that is only kept. `init` is the process that will be asked for by `reap`.

        Raises OSError, with nothing changed, when they cannot be kept.
        """
        try:
            for first in range(0, len(descriptors), _MOST_DESCRIPTORS):
                some = descriptors[first : first + _MOST_DESCRIPTORS]
                numbers = array("i", (number for number, _ in some))
                events = array("i", (wanted for _, wanted in some))
                send_descriptors(self._line, _KEEP + events.tobytes(), numbers.tobytes())
        except OSError:
            self._line.send(_STAY)
            raise
        milliseconds = -1 if seconds is None else max(0, round(seconds * 1000))
        self._line.send(_SLEEP + _TWO.pack(milliseconds, init))
        _exit(0)

    def leave(self) -> None:
        """Have the keeper let go of the lock and end; we need it no more."""
        prctl(PrctlOption.SET_PDEATHSIG, 0)
        self._line.send(_LEAVE)
        with suppress(ConnectionResetError):
            self._line.recv(1)  # its end
        self._line.close()


def keep(work: Work, wake: Wake, theirs: Sequence[int], launcher: int) -> NoReturn:
    """Be the keeper of a worker that does `work`, and of those after it, which do `wake`.

    The descriptors in `theirs` are the worker's alone. `launcher` is who has got the request.
    """
    try:
        gc.disable()  # a collection would look at everything
        _keep(work, wake, theirs, launcher)
    finally:
        _exit(0)


def _keep(work: Work, wake: Wake, theirs: Sequence[int], launcher: int) -> None:
    # One function and its locals: an object looked at is a page, a name looked up another.
    us = getpid()
    worker = init = 0
    lock = bell = -1  # the bell rings when told to shut down; there is one as soon as a lock
    told = woken = False

    def shut_down(_number: int, _frame: object) -> None:
        nonlocal told
        told = True
        eventfd_write(bell, 1)
        if worker:
            kill(worker, SIGTERM)

    def reap_orphans(_number: int, _frame: object) -> None:
        _reap_orphans(worker, init)

    while True:
        ours, line = socketpair(UNIX, PACKETS)
        if lock >= 0:
            set_mask(BLOCK, (SIGTERM,))  # until the worker has its own handler and lets it through
        worker = fork()
        if worker == 0:
            try:
                ours.close()
                gc.enable()
                prctl(PrctlOption.SET_PDEATHSIG, SIGKILL)
                if getppid() != us:
                    _exit(0)
                if woken:
                    wake(Keeper(line, launcher), descriptors=list(theirs), told=told)
                else:
                    work(Keeper(line, launcher))
            finally:
                _exit(0)
        if woken and told:
            told = False
            eventfd_read(bell)
        if lock >= 0:
            set_mask(UNBLOCK, (SIGTERM,))
        line.close()
        for number in theirs:
            close(number)

        kept, events = array("i"), array("i")
        while True:
            body, numbers = receive_descriptors(ours, _LARGEST_MESSAGE, _MOST_DESCRIPTORS)
            order = body[:1]
            if order == _LOCK:
                if lock >= 0:
                    close(lock)
                lock = array("i", numbers)[0]
                try:
                    lockf(lock, LOCK_EX | LOCK_NB)
                except (BlockingIOError, PermissionError):
                    close(lock)
                    lock = -1
                    ours.send(_TAKEN)
                    continue
                if bell < 0:  # there may be a container from here on
                    bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
                    become_subreaper()
                    set_handler(SIGTERM, shut_down)
                    set_handler(SIGCHLD, reap_orphans)
                ours.send(_DONE)
            elif order == _REAP:
                pid, _ = _TWO.unpack_from(body, 1)
                _, _, _, status, code = waitid(P_PID, pid, WEXITED) or (0, 0, 0, 0, 0)
                ours.send(_TWO.pack(code, status))
            elif order == _KEEP:
                kept += array("i", numbers)
                events += array("i", body[1:])
            elif order == _STAY:
                for number in kept:
                    close(number)
                kept, events = array("i"), array("i")
            elif order == _SLEEP:
                milliseconds, init = _TWO.unpack_from(body, 1)
                break
            else:  # it leaves, or has ended without a word
                return
        ours.close()
        waitpid(worker, 0)  # what it had started is ours then
        worker = 0
        _reap_orphans(0, init)

        waiting = poll()
        waiting.register(bell, POLLIN)
        for number, wanted in zip(kept, events, strict=True):
            if wanted >= 0:
                waiting.register(number, wanted)
        if not told:
            waiting.poll(milliseconds)
        woken, theirs = True, kept


def _reap_orphans(worker: int, init: int) -> None:
    """As `process.reap_orphans`; those two are waited for by name."""
    try:
        while found := waitid(P_ALL, 0, WEXITED | WNOHANG | WNOWAIT):
            pid = found[0]
            if pid in (worker, init):
                break
            waitpid(pid, WNOHANG)
    except ChildProcessError:
        return


def warm() -> None:
    """Look up what a keeper will: done here once, its children find it, and write to no page."""
    for end in socketpair(UNIX, PACKETS):
        _ = end.send, end.recvmsg, end.sendmsg, end.detach, end.fileno
        end.close()
    waiting = poll()
    waiting.register(0, POLLIN)
    _ = waiting.poll
    numbers = array("i", bytes(8))
    numbers += array("i", _TWO.pack(0, 0))
    _TWO.unpack_from(numbers)
    prctl(PrctlOption.GET_DUMPABLE)
