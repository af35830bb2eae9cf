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

import fcntl
import gc
import marshal
import os
import select
import signal
import socket
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NoReturn, Protocol

from wherry.linux.process import PrctlOption, become_subreaper, prctl
from wherry.shim.process import reap_orphans

_MOST_DESCRIPTORS = 200  # in one message; the kernel takes 253, unix(7)
_LARGEST_MESSAGE = 1 << 16
_TAKEN, _LOCKED, _NO_FOLDER = range(3)

Work = Callable[["Keeper"], None]


class Wake(Protocol):
    """What a worker does that takes over from one before it: all it has are the descriptors."""

    def __call__(self, keeper: "Keeper", *, descriptors: list[int], told: bool) -> None: ...


class Keeper:
    """A worker's line to its keeper."""

    def __init__(self, line: socket.socket, launcher: int) -> None:
        self._line = line
        self.launcher = launcher  # who forked the keeper

    def try_lock(self, path: str) -> bool:
        """Have the keeper take the record lock on the file `path`, which is made if need be.

        False when another process has it; FileNotFoundError when the file's folder has gone.
        """
        answer = self._ask("lock", path)
        if answer == _NO_FOLDER:
            raise FileNotFoundError(path)
        return answer == _LOCKED

    def reap(self, pid: int) -> tuple[int, int]:
        """Wait for a process that was left to the keeper; its code and status, waitid(2)."""
        answer = self._ask("reap", pid)
        assert isinstance(answer, tuple)
        return answer

    def _ask(self, name: str, value: str | int) -> object:
        self._line.sendall(marshal.dumps((name, value)))
        answer = self._line.recv(_LARGEST_MESSAGE)
        if not answer:
            os._exit(1)  # the keeper has just been killed, and we are about to be
        return marshal.loads(answer)

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
                message = marshal.dumps(("keep", [events for _, events in some]))
                socket.send_fds(self._line, [message], [number for number, _ in some])
        except OSError:
            self._line.sendall(marshal.dumps(("stay",)))
            raise
        self._line.sendall(marshal.dumps(("sleep", seconds, init)))
        os._exit(0)

    def leave(self) -> None:
        """Have the keeper let go of the lock and end; we need it no more."""
        prctl(PrctlOption.SET_PDEATHSIG, 0)
        self._line.sendall(marshal.dumps(("leave",)))
        with suppress(ConnectionResetError):
            self._line.recv(1)  # its end
        self._line.close()


def keep(work: Work, wake: Wake, theirs: Sequence[int] = ()) -> NoReturn:
    """Be the keeper of a worker that does `work`, and of those after it, which do `wake`.

    The descriptors in `theirs` are the worker's alone.
    """
    try:
        gc.disable()  # a collection would look at everything
        keeping = _Keeping()
        keeping.attend(work, theirs)
        while True:
            told = keeping.wait()
            kept = keeping.taken()
            keeping.attend(partial(wake, descriptors=kept, told=told), kept)
    finally:
        os._exit(0)


class _Keeping:
    def __init__(self) -> None:
        self.launcher = os.getppid()
        self.worker = 0
        self.init = 0
        self.bell = -1
        self.descriptors: list[int] = []
        self.events: list[int] = []
        self.seconds: float | None = None
        self.told = False  # to shut down

    # ---- a worker is at it

    def attend(self, work: Work, theirs: Sequence[int] = ()) -> None:
        """Serve a worker until it wants to sleep; the process ends when it does otherwise.

        The descriptors in `theirs` are its own from then on.
        """
        ours, line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        us = os.getpid()
        if self.bell >= 0:
            # Until the worker has its own handler, which lets it through.
            signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
        child = os.fork()
        if child == 0:
            try:
                ours.close()
                gc.enable()
                prctl(PrctlOption.SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() == us:
                    work(Keeper(line, self.launcher))
            finally:
                os._exit(0)
        self.worker = child
        if self.bell >= 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
        line.close()
        for number in theirs:
            os.close(number)
        with ours:
            self._serve(ours)
        os.waitpid(child, 0)  # what it had started is ours then
        self.worker = 0

    def _serve(self, line: socket.socket) -> None:
        while True:
            body, descriptors = _received(line)
            if not body:
                os._exit(0)
            name, *values = marshal.loads(body)
            if name == "keep":
                self.descriptors += descriptors
                self.events += values[0]
            elif name == "sleep":
                self.seconds, self.init = values
                return
            elif name == "stay":
                for number in self.taken():
                    os.close(number)
            elif name == "lock":
                line.sendall(marshal.dumps(self._try_lock(values[0])))
            elif name == "reap":
                result = os.waitid(os.P_PID, values[0], os.WEXITED)
                assert result is not None
                line.sendall(marshal.dumps((result.si_code, result.si_status)))
            elif name == "leave":
                os._exit(0)

    def _try_lock(self, path: str) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileNotFoundError:
            return _NO_FOLDER
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            return _TAKEN
        # A supervisor that leaves removes the file: a lock on that one would exclude nobody.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                self._stay()
                return _LOCKED
        os.close(descriptor)
        return _NO_FOLDER

    def _stay(self) -> None:
        """From here on there may be a container; the lock goes with this process."""
        self.bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        become_subreaper()
        signal.signal(signal.SIGTERM, self._shut_down)
        signal.signal(signal.SIGCHLD, self._reap_orphans)

    # ---- signals

    def _shut_down(self, _number: int, _frame: object) -> None:
        self.told = True
        os.eventfd_write(self.bell, 1)
        if self.worker:
            os.kill(self.worker, signal.SIGTERM)

    def _reap_orphans(self, _number: int, _frame: object) -> None:
        reap_orphans({self.worker, self.init})

    # ---- nobody is

    def wait(self) -> bool:
        """Sleep until there is something to do; whether that is to shut down."""
        reap_orphans({self.init})
        poll = select.poll()
        poll.register(self.bell, select.POLLIN)
        for number, events in zip(self.descriptors, self.events, strict=True):
            if events >= 0:
                poll.register(number, events)
        if not self.told:
            poll.poll(None if self.seconds is None else max(0.0, self.seconds * 1000))
        told, self.told = self.told, False
        if told:
            os.eventfd_read(self.bell)
        return told

    def taken(self) -> list[int]:
        """What is kept, which is the caller's now."""
        descriptors, self.descriptors, self.events = self.descriptors, [], []
        return descriptors


def _received(line: socket.socket) -> tuple[bytes, list[int]]:
    descriptors = array("i")
    space = socket.CMSG_SPACE(_MOST_DESCRIPTORS * descriptors.itemsize)
    body, ancillary, _, _ = line.recvmsg(_LARGEST_MESSAGE, space, socket.MSG_CMSG_CLOEXEC)
    for _, _, data in ancillary:
        descriptors.frombytes(data)
    return body, list(descriptors)
