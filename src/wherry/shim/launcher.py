"""The launcher: a warm, single-threaded interpreter that forks a child for each request.

It holds no state. Killing it costs the next command an interpreter start and nothing else; its
children live on. It never reads a request: it checks whose it is (SO_PEERCRED), forks, and the
child reads, answers, and stays if it became the shim of a container.

    spare    between requests one child is forked ahead and rehearses: it opens the database and
             touches the memory that a request will. It gets the next request from the launcher,
             which looks at it no more than at any; without a spare a child is forked there and then
    stale    a module of ours was written to: it executes itself anew, with the listening socket,
             so that requests in the backlog are answered by the new code
    idle     no request for a while and no child: it removes its socket, under the lock that
             commands take to start one, and ends
    orphan   its socket was removed or replaced: nobody can reach it, it ends

A shim must outlive the session, the terminal and the control group of whoever made it: the
launcher is in a session of its own and in the cgroup /wherry-shims, and each child again leads a
session (so that signals to its process group, as by a shell's job control, reach only itself).
"""

import gc
import os
import select
import signal
import socket
import struct
import sys
from array import array
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from wherry.errors import Internal, WherryError, kind_of, os_error_text
from wherry.linux.cgroup.manager import open_manager
from wherry.linux.inotify import Change, Inotify
from wherry.linux.locks import locked
from wherry.linux.process import close_other_descriptors
from wherry.linux.sealed import execute_sealed
from wherry.shim.client import LAUNCHER_DESCRIPTOR
from wherry.shim.keeper import Keeper, Wake, Work, keep
from wherry.shim.protocol import (
    LARGEST_REQUEST,
    TAKEN,
    BadMessage,
    Payload,
    error_frame,
    parse_request,
)
from wherry.values import dataclass, field

IDLE_SECONDS = 300.0
_QUIET_SECONDS = 0.05  # after which a spare is forked, which would only hinder those who ask
CGROUP = "/wherry-shims"
_MOST_DESCRIPTORS = 8
_CREDENTIALS = struct.Struct("3i")
_WRITTEN = Change.CLOSE_WRITE | Change.MOVED_TO | Change.MOVED_FROM | Change.DELETE


@dataclass
class Request:
    """A request, in the child that carries it out. The socket is the child's to keep or close."""

    operation: str
    payload: Payload
    socket: socket.socket
    keeper: Keeper
    descriptors: list[int] = field(default_factory=list)


Operations = Mapping[str, Callable[[Request], None]]


def _nothing() -> None:
    return


def serve(
    operations: Operations, run: Path, wake: Wake, rehearse: Callable[[], None] = _nothing
) -> None:
    """Answer requests on the inherited listening socket until idle or orphaned."""
    os.chdir("/")
    os.umask(0o022)
    leave_callers_cgroup()
    # The kernel reaps children by itself then; a child puts the default back before it forks.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with Inotify() as inotify:
        listener = socket.socket(fileno=LAUNCHER_DESCRIPTOR)
        launcher = _Launcher(operations, run, listener, inotify, wake, rehearse)
        signal.signal(signal.SIGTERM, lambda _number, _frame: launcher.retire())
        gc.collect()
        # Executed by a descriptor, it would be called by that number; shims inherit the name.
        Path("/proc/self/comm").write_text("wherry")
        gc.freeze()
        launcher.loop()


class _Launcher:
    def __init__(
        self,
        operations: Operations,
        run: Path,
        listener: socket.socket,
        inotify: Inotify,
        wake: Wake,
        rehearse: Callable[[], None],
    ) -> None:
        self.operations = operations
        self.run = run
        self.path = run / "launcher.sock"
        self.listener = listener
        self.inotify = inotify
        self.wake = wake
        self.rehearse = rehearse
        self.spare: _Spare | None = None
        found = self.path.stat()
        self.identity = (found.st_dev, found.st_ino)
        self.run_watch = -1

    def loop(self) -> None:
        os.set_inheritable(self.listener.fileno(), False)
        self.listener.setblocking(False)
        for folder in _module_folders():
            self.inotify.watch(folder, _WRITTEN)
        self.run_watch = self.inotify.watch(self.run, Change.DELETE | Change.MOVED_TO)
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        poll.register(self.inotify.descriptor, select.POLLIN)
        while True:
            ready = poll.poll((IDLE_SECONDS if self.spare else _QUIET_SECONDS) * 1000)
            if not ready:
                self._idle()
            # Before any request: it must not be answered by code that has been replaced.
            if any(descriptor == self.inotify.descriptor for descriptor, _ in ready):
                self._look_at_changes()
            self._accept()

    def _idle(self) -> None:
        """Nobody has asked for a moment, or for a long time."""
        if self.spare is None:
            self.spare = self._fork_spare()
            return
        self._dismiss_spare()
        if not _has_children():
            self.retire()

    def _look_at_changes(self) -> None:
        for watch, change, name in self.inotify.changes():
            if change & Change.Q_OVERFLOW:
                self._start_anew()
            elif watch == self.run_watch:
                if not self._is_reachable():
                    self._dismiss_spare()
                    sys.exit(0)
            elif name.endswith(".py") or change & Change.IGNORED:
                self._start_anew()

    def _is_reachable(self) -> bool:
        """Whether our socket's name still leads to us; made anew it has another inode."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == self.identity

    def _start_anew(self) -> NoReturn:
        self._dismiss_spare()
        os.set_inheritable(self.listener.fileno(), True)
        execute_sealed(sys.orig_argv)

    def retire(self) -> None:
        """End, unless a request came meanwhile; the next command starts another launcher."""
        with locked(self.run / "launcher.lock"):
            if self._is_reachable():
                self.path.unlink()
            # Whoever connected before the name was gone is still answered.
            self._accept()
        self._dismiss_spare()
        sys.exit(0)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            with client:
                if is_own_user(client) and not self._give_to_spare(client):
                    self._fork(partial(handle, client, self.operations), client)

    def _fork(self, work: Work, connection: socket.socket, *others: socket.socket) -> int:
        """A child whose worker does `work`, with the `connection` that this needs."""
        child = os.fork()
        if child == 0:
            # Whatever happens here must not come back into the launcher's loop.
            try:
                self.listener.close()
                self.inotify.close()
                if self.spare is not None:
                    self.spare.line.close()
                for other in others:
                    other.close()
                _start_as_child()
                keep(work, self.wake, (connection.fileno(),))
            finally:
                os._exit(0)
        return child

    def _fork_spare(self) -> "_Spare":
        ours, theirs = socket.socketpair()
        with theirs:

            def wait_for_request(keeper: Keeper) -> None:
                self.rehearse()
                if (client := _receive_socket(theirs)) is not None:
                    theirs.close()
                    handle(client, self.operations, keeper)

            return _Spare(self._fork(wait_for_request, theirs, ours), ours)

    def _give_to_spare(self, client: socket.socket) -> bool:
        spare, self.spare = self.spare, None
        if spare is None:
            return False
        with spare.line, suppress(OSError):  # somebody may have killed it
            socket.send_fds(spare.line, [b"."], [client.fileno()])
            return True
        return False

    def _dismiss_spare(self) -> None:
        spare, self.spare = self.spare, None
        if spare is not None:
            spare.line.close()  # it reads the end
            with suppress(ChildProcessError):  # such is the answer where children reap themselves
                os.waitpid(spare.pid, 0)


@dataclass
class _Spare:
    """A child that waits for a request at the other end of `line`."""

    pid: int
    line: socket.socket


def _receive_socket(line: socket.socket) -> socket.socket | None:
    """The client that the launcher hands over; None when it needs us no more."""
    _, ancillary, _, _ = line.recvmsg(1, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
    for _, _, data in ancillary:
        return socket.socket(fileno=int.from_bytes(data[:4], sys.byteorder))
    return None


def serve_one(client: socket.socket, operations: Operations, wake: Wake) -> NoReturn:
    """Carry out one request in a child forked by the client itself, without a launcher."""
    try:
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        close_other_descriptors({0, 1, 2, client.fileno()})
        os.chdir("/")
        os.umask(0o022)
        leave_callers_cgroup()
        _start_as_child()
        keep(partial(handle, client, operations), wake, (client.fileno(),))
    finally:
        os._exit(0)


def handle(client: socket.socket, operations: Operations, keeper: Keeper) -> None:
    """Read one request and carry it out; a failure is answered."""
    try:
        request = receive_request(client, keeper)
        if request is None:
            return
        operations[request.operation](request)
    except WherryError as error:
        answer_error(client, error)
    except OSError as error:
        answer_error(client, Internal(os_error_text(error)))
    except BaseException as error:  # the last stop: nobody above could tell the client
        import traceback

        traceback.print_exc()
        with suppress(OSError):
            client.sendall(error_frame("Internal", f"{type(error).__name__}: {error}"))
        raise


def answer_error(client: socket.socket, error: WherryError) -> None:
    """Tell the client of `error`, if it is still there."""
    message = "\n".join([error.message, *getattr(error, "__notes__", ())])
    with suppress(OSError):
        status = getattr(error, "status", 0)
        client.sendall(error_frame(kind_of(error), message, error.hint, status))


def receive_request(client: socket.socket, keeper: Keeper) -> Request | None:
    """The request that `client` sends; None when it went away. Its descriptors close on exec."""
    descriptors = array("i")
    space = socket.CMSG_SPACE(_MOST_DESCRIPTORS * descriptors.itemsize)
    head, ancillary, _, _ = client.recvmsg(4, space, socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    if len(head) < 4:
        return None
    length = int.from_bytes(head, "big")
    if length > LARGEST_REQUEST:
        raise BadMessage(f"a request of {length} bytes")
    body = bytearray()
    while len(body) < length:
        piece = client.recv(length - len(body))
        if not piece:
            return None
        body += piece
    client.sendall(TAKEN)  # before anything is done, lest it be done twice
    parsed = parse_request(bytes(body))
    if parsed is None:
        raise OtherInstallation
    operation, payload = parsed
    return Request(operation, payload, client, keeper, list(descriptors))


class OtherInstallation(WherryError):
    def __init__(self) -> None:
        super().__init__(
            "the running launcher belongs to another installation of Wherry",
            hint="end it with `wherry system launcher stop`, or set WHERRY_LAUNCHER=off",
        )


def is_own_user(client: socket.socket) -> bool:
    """Whether the process at the other end may give us orders: it runs as our user, or root."""
    data = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(data)
    return uid in (os.geteuid(), 0)


def _start_as_child() -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A terminal or a group that goes away is none of a shim's business.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def fork_outside() -> int:
    """Fork a child for `serve_one`; born outside of the caller's control group if that can be.

    To move there takes the kernel ten milliseconds and more where the v2 tree is mounted.
    """
    try:
        manager = open_manager(CGROUP)
        manager.create()
        return manager.fork()
    except OSError:
        return os.fork()


def leave_callers_cgroup() -> None:
    """Move out of the caller's control group, whose end or limits are not for containers."""
    try:
        manager = open_manager(CGROUP)
        manager.create()
        manager.enter()
    except OSError:  # without the right to: a user's own launcher stays where it is
        return


def _has_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def _module_folders() -> set[str]:
    """The folders that our loaded modules came from."""
    return {
        os.path.dirname(path)
        for name, module in sys.modules.items()
        if name.partition(".")[0] == "wherry" and (path := getattr(module, "__file__", None))
    }
