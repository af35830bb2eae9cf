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

from collections.abc import Callable, Sequence
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, lockf
from gc import disable, enable
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
    memfd_create,
    setsid,
    waitid,
    waitpid,
)
from select import POLLIN, poll
from struct import Struct

from wherry.linux.bare import (
    BLOCK,
    BY_DEFAULT,
    IGNORED,
    PACKETS,
    SIGCHLD,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGTERM,
    UNBLOCK,
    UNIX,
    Socket,
    adopt_orphans,
    receive_descriptor,
    send_descriptor,
    set_handler,
    set_mask,
    socketpair,
)
from wherry.linux.process import PrctlOption, prctl
from wherry.typed import NoReturn, Protocol

_OR_FAIL = LOCK_EX | LOCK_NB
_ENDED = WEXITED | WNOHANG | WNOWAIT
_TERM = (SIGTERM,)
_BELL = EFD_CLOEXEC | EFD_NONBLOCK

# What a worker says, with two numbers; answered by two, or by the end.
_ORDER = Struct("=qqq")
_SAYS = _ORDER.size
_pack, _unpack = _ORDER.pack, _ORDER.unpack
_LOCK = 1  # a descriptor; whether we have the lock
_REAP = 2  # a pid; its code and status
_KEEP = 3  # a descriptor; events to be woken by, or -1
_STAY = 4  # to forget what it was to keep
_SLEEP = 5  # milliseconds, or -1; a pid
_LEAVE = 6

Work = Callable[[int, "Keeper"], None]
"""What the first worker does with the descriptor that it was made for."""


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
        send_descriptor(self._line, _pack(_LOCK, 0, 0), descriptor)
        is_ours, _ = self._answer()
        return bool(is_ours)

    def reap(self, pid: int) -> tuple[int, int]:
        """Wait for a process that was left to the keeper; its code and status, waitid(2)."""
        self._line.send(_pack(_REAP, pid, 0))
        return self._answer()

    def _answer(self) -> tuple[int, int]:
        answer = self._line.recv(_SAYS)
        if not answer:
            _exit(1)  # the keeper has just been killed, and we are about to be
        _, first, second = _unpack(answer)
        return first, second

    def sleep(
        self, descriptors: Sequence[tuple[int, int]], seconds: float | None, init: int
    ) -> NoReturn:
        """End, and have the keeper fork another worker when there is something to do.

        That is in `seconds`, or when one of the `descriptors` has the events beside it; -1 is for
        one that is only kept. `init` is the process that will be asked for by `reap`.

        Raises OSError, with nothing changed, when they cannot be kept.
        """
        try:
            for number, events in descriptors:
                send_descriptor(self._line, _pack(_KEEP, events, 0), number)
        except OSError:
            self._line.send(_pack(_STAY, 0, 0))
            raise
        milliseconds = -1 if seconds is None else max(0, round(seconds * 1000))
        self._line.send(_pack(_SLEEP, milliseconds, init))
        _exit(0)

    def leave(self) -> None:
        """Have the keeper let go of the lock and end; we need it no more."""
        prctl(PrctlOption.SET_PDEATHSIG, 0)
        self._line.send(_pack(_LEAVE, 0, 0))
        with suppress(ConnectionResetError):
            self._line.recv(1)  # its end
        self._line.close()


def keep(work: Work, wake: Wake, connection: int, launcher: int) -> NoReturn:
    """Be the keeper of a worker that does `work`, and of those after it, which do `wake`.

    A keeper is nobody's: of no session but its own, with the signals of a new process.
    The descriptor `connection` is the worker's alone. `launcher` is who has got the request.
    """
    try:
        _become_nobodys()
        set_handler(SIGCHLD, BY_DEFAULT)
        set_handler(SIGTERM, BY_DEFAULT)
        disable()  # a collection would look at everything
        _keep(work, wake, connection, launcher)
    finally:
        _exit(0)


class _Known:
    """What a keeper's handlers of signals know."""

    __slots__ = ("bell", "init", "told", "worker")

    bell: int  # rings when told to shut down; there is one as soon as a lock
    init: int
    told: bool
    worker: int


# Not made by each keeper, nor are the handlers: to make a function writes to seven pages.
_known = _Known()


def _shut_down(_number: int, _frame: object) -> None:
    _known.told = True
    eventfd_write(_known.bell, 1)
    if _known.worker:
        kill(_known.worker, SIGTERM)


def _reap_orphans(_number: int, _frame: object) -> None:
    # As `process.reap_orphans`; those two are waited for by name.
    try:
        while found := waitid(P_ALL, 0, _ENDED):
            pid = found[0]
            if pid in (_known.worker, _known.init):
                break
            waitpid(pid, WNOHANG)
    except ChildProcessError:
        return


def _become_nobodys() -> None:
    setsid()
    # A terminal or a group that goes away is none of a shim's business.
    set_handler(SIGHUP, IGNORED)
    set_handler(SIGINT, IGNORED)


def _keep(work: Work, wake: Wake, connection: int, launcher: int) -> None:
    # One function and its locals: an object looked at is a page, a name looked up another.
    us = getpid()
    known = _known
    known.worker = known.init = 0
    lock = known.bell = -1
    known.told = woken = False
    theirs = [connection]

    while True:
        ours, line = socketpair(UNIX, PACKETS)
        if lock >= 0:
            set_mask(BLOCK, _TERM)  # until the worker has its own handler and lets it through
        known.worker = fork()
        if known.worker == 0:
            try:
                ours.close()
                enable()
                prctl(PrctlOption.SET_PDEATHSIG, SIGKILL)
                if getppid() != us:
                    _exit(0)
                if woken:
                    wake(Keeper(line, launcher), descriptors=theirs, told=known.told)
                else:
                    work(connection, Keeper(line, launcher))
            finally:
                _exit(0)
        if woken and known.told:
            known.told = False
            eventfd_read(known.bell)
        if lock >= 0:
            set_mask(UNBLOCK, _TERM)
        line.close()
        for number in theirs:
            close(number)

        kept: list[int] = []
        waiting = poll()
        while True:
            said, number = receive_descriptor(ours, _SAYS)
            if not said:  # it has ended without a word
                return
            order, first, second = _unpack(said)
            if order == _KEEP and number >= 0:
                kept.append(number)
                if first >= 0:
                    waiting.register(number, first)
            elif order == _LOCK:
                if lock >= 0:
                    close(lock)
                lock = number
                try:
                    lockf(lock, _OR_FAIL)
                except (BlockingIOError, PermissionError):
                    close(lock)
                    lock = -1
                    ours.send(_pack(_LOCK, False, 0))
                    continue
                if known.bell < 0:  # there may be a container from here on
                    known.bell = eventfd(0, _BELL)
                    adopt_orphans()
                    set_handler(SIGTERM, _shut_down)
                    set_handler(SIGCHLD, _reap_orphans)
                ours.send(_pack(_LOCK, True, 0))
            elif order == _REAP:
                _, _, _, status, code = waitid(P_PID, first, WEXITED) or (0, 0, 0, 0, 0)
                ours.send(_pack(_REAP, code, status))
            elif order == _STAY:
                for number in kept:
                    close(number)
                kept.clear()
                waiting = poll()
            elif order == _SLEEP:
                known.init = second
                break
            else:
                ours.close()
                if lock >= 0:
                    close(lock)
                    close(known.bell)
                return
        ours.close()
        waitpid(known.worker, 0)  # what it had started is ours then
        known.worker = 0
        _reap_orphans(SIGCHLD, None)

        waiting.register(known.bell, POLLIN)
        if not known.told:
            waiting.poll(first)
        woken, theirs = True, kept


def rehearse() -> None:
    """Keep once, with nothing to keep: what is looked up on the way is there for the forks of this
    process, which then write to fewer pages. That process is nobody's from then on, too."""
    _become_nobodys()
    connection = memfd_create("connection")
    _keep(_try_work, _try_to_wake, connection, 0)
    with suppress(ChildProcessError):
        while True:
            waitpid(-1, 0)
    set_handler(SIGTERM, BY_DEFAULT)
    set_handler(SIGCHLD, IGNORED)
    adopt_orphans(0)


def _try_work(connection: int, keeper: Keeper) -> None:
    keeper.try_lock(memfd_create("lock"))
    keeper.sleep([(connection, -1), (memfd_create("other"), POLLIN)], 0.0, 0)


def _try_to_wake(keeper: Keeper, *, descriptors: list[int], told: bool) -> None:
    _ = descriptors, told
    keeper.leave()
