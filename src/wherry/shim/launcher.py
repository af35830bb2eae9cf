"""The launcher: a warm, single-threaded interpreter that forks a child for each request.

It holds no state. Killing it costs the next command an interpreter start and nothing else; its
children live on. It never reads a request: it checks whose it is (SO_PEERCRED), peeks at what
it asks for, forks, and the child reads, answers, and stays if it became the shim of a container.

    command  a request that begins with that word is for a child that has the commands loaded
    others   go on to the nursery, whose children are smaller: among them are those that stay
    stale    a module of ours was written to: it executes itself anew, with the listening socket,
             so that requests in the backlog are answered by the new code
    wanted   a file in the run folder has the name of something that not every installation needs:
             it is loaded between two requests, for the commands from then on
    idle     no request for a while and none of the nursery's children: it removes its socket,
             under the lock that commands take to start one, and ends
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
from types import MappingProxyType
from typing import NoReturn

from wherry.errors import Internal, WherryError, kind_of, os_error_text
from wherry.linux.bare import PEER, SOCKET_LEVEL, Socket, accepted
from wherry.linux.cgroup.manager import open_manager
from wherry.linux.inotify import Change, Inotify
from wherry.linux.locks import locked
from wherry.linux.process import close_other_descriptors
from wherry.linux.sealed import execute_sealed
from wherry.shim import memory
from wherry.shim.children import Care, Children, has_children, reap_themselves, start_as_child
from wherry.shim.client import LAUNCHER_DESCRIPTOR
from wherry.shim.keeper import Keeper, Wake, keep, warm
from wherry.shim.nursery import QUIET_SECONDS, Nursery
from wherry.shim.protocol import (
    LARGEST_REQUEST,
    TAKEN,
    BadMessage,
    Payload,
    error_frame,
    parse_request,
    request_bytes,
)
from wherry.values import dataclass, field

IDLE_SECONDS = 300.0
COMMAND = "command"  # the operation that is carried out with the command line's modules
_BEGINNING = len(request_bytes(COMMAND, {}))  # bytes of a request that name its operation
CGROUP = "/wherry-shims"
_MOST_DESCRIPTORS = 8
_CREDENTIALS = struct.Struct("3i")
_WRITTEN = Change.CLOSE_WRITE | Change.MOVED_TO | Change.MOVED_FROM | Change.DELETE
_IN_RUN = Change.CREATE | Change.DELETE | Change.MOVED_TO


@dataclass
class Request:
    """A request, in the child that carries it out. The socket is the child's to keep or close."""

    operation: str
    payload: Payload
    socket: socket.socket
    keeper: Keeper
    descriptors: list[int] = field(default_factory=list)


Operations = Mapping[str, Callable[[Request], None]]

Later = Mapping[str, Callable[[], None]]
"""What is loaded when a file of that name is in the run folder."""


def _nothing() -> None:
    return


def serve(
    operations: Operations,
    run: Path,
    wake: Wake,
    rehearse: Callable[[], None] = _nothing,
    load: Callable[[], None] = _nothing,
    later: Later = MappingProxyType({}),
    care: Care | None = None,
) -> None:
    """Answer requests on the inherited listening socket until idle or orphaned.

    What `load` and `later` bring in is for those requests alone that are for commands. `care` is
    what it sees to besides.
    """
    os.chdir("/")
    os.umask(0o022)
    leave_callers_cgroup()
    reap_themselves()
    # Executed by a descriptor, it would be called by that number; shims inherit the name.
    Path("/proc/self/comm").write_text("wherry")
    warm()
    _settle()
    carry_out = partial(handle, operations=operations)
    ours = [LAUNCHER_DESCRIPTOR, *(() if care is None else (care.fileno(),))]
    nursery = Nursery(carry_out, wake, rehearse, tuple(ours))
    load()
    with Inotify() as inotify:
        listener = socket.socket(fileno=LAUNCHER_DESCRIPTOR)
        ours += inotify.descriptor, nursery.fileno()
        children = Children(carry_out, wake, rehearse, os.getpid(), ours)
        launcher = _Launcher(run, listener, inotify, nursery, children, later, care)
        signal.signal(signal.SIGTERM, lambda _number, _frame: launcher.retire())
        _settle()
        launcher.loop()


def _settle() -> None:
    """Have children find memory as it will stay."""
    memory.trim()
    gc.freeze()


class _Launcher:
    def __init__(
        self,
        run: Path,
        listener: socket.socket,
        inotify: Inotify,
        nursery: Nursery,
        children: Children,
        later: Later,
        care: Care | None,
    ) -> None:
        self.run = run
        self.path = run / "launcher.sock"
        self.listener = listener
        self.inotify = inotify
        self.nursery: Nursery | None = nursery
        self.children = children
        self.later = dict(later)
        self.care = care
        self.looks_for_wanted = True
        found = self.path.stat()
        self.identity = (found.st_dev, found.st_ino)
        self.run_watch = -1
        self.poll = select.poll()
        self.silent: dict[int, Socket] = {}  # clients whose request has not come

    def loop(self) -> None:
        os.set_inheritable(self.listener.fileno(), False)
        self.listener.setblocking(False)
        self._watch_modules()
        self.run_watch = self.inotify.watch(self.run, _IN_RUN)
        self.poll.register(self.listener, select.POLLIN)
        self.poll.register(self.inotify.descriptor, select.POLLIN)
        if self.care is not None:
            self.poll.register(self.care, select.POLLIN)
            self.children.see_to(self.care)
        while True:
            ready = self.poll.poll((IDLE_SECONDS if self.children.spare else QUIET_SECONDS) * 1000)
            if not ready:
                self._idle()
            # Before any request: it must not be answered by code that has been replaced.
            if any(descriptor == self.inotify.descriptor for descriptor, _ in ready):
                self._look_at_changes()
            for descriptor, _ in ready:
                if self.care is not None and descriptor == self.care.fileno():
                    self.children.see_to(self.care)
                if descriptor in self.silent:
                    self._look_at(self._no_longer_silent(descriptor))
            self._accept()
            if self.looks_for_wanted:
                self._load_what_is_wanted()

    def _idle(self) -> None:
        """Nobody has asked for a moment, or for a long time."""
        if self.children.spare is None:
            self.children.fork_spare()
            return
        self.children.dismiss_spare()
        if not (has_children() if self.nursery is None else self.nursery.has_children):
            self.retire()

    def _watch_modules(self) -> None:
        for folder in _module_folders():
            self.inotify.watch(folder, _WRITTEN)

    def _load_what_is_wanted(self) -> None:
        self.looks_for_wanted = False
        wanted = [name for name in self.later if (self.run / name).exists()]
        for name in wanted:
            self.later.pop(name)()
        if wanted:
            self.children.dismiss_spare()  # the next one has it loaded
            self._watch_modules()
            _settle()

    def _look_at_changes(self) -> None:
        for watch, change, name in self.inotify.changes():
            if change & Change.Q_OVERFLOW:
                self._start_anew()
            elif watch == self.run_watch:
                self.looks_for_wanted |= name in self.later
                if not self._is_reachable():
                    self._end_helpers()
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

    def _end_helpers(self) -> None:
        """End the processes that only wait for what we send them."""
        self.children.dismiss_spare()
        if self.nursery is not None:
            self.nursery.end()

    def _start_anew(self) -> NoReturn:
        self._end_helpers()
        os.set_inheritable(self.listener.fileno(), True)
        execute_sealed(sys.orig_argv)

    def retire(self) -> None:
        """End, unless a request came meanwhile; the next command starts another launcher."""
        with locked(self.run / "launcher.lock"):
            if self._is_reachable():
                self.path.unlink()
            # Whoever connected before the name was gone is still answered.
            self._accept()
            for descriptor in list(self.silent):
                self._pass_on(self._no_longer_silent(descriptor), is_command=False)
        self._end_helpers()
        sys.exit(0)

    def _accept(self) -> None:
        while True:
            try:
                client = accepted(self.listener)
            except (BlockingIOError, ConnectionAbortedError):
                return
            if is_own_user(client):
                self._look_at(client)
            else:
                client.close()

    def _look_at(self, client: Socket) -> None:
        """Pass on a client whose request has begun to come, and wait for that of another."""
        try:
            begin = client.recv(_BEGINNING, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            self.silent[client.fileno()] = client
            self.poll.register(client, select.POLLIN)
            self.children.ours.append(client.fileno())
        except OSError:
            client.close()
        else:
            # As marshal writes a word. Any child can carry out any request, but some would have
            # to load what others have.
            self._pass_on(client, is_command=b"%c%b" % (len(COMMAND), COMMAND.encode()) in begin)

    def _no_longer_silent(self, descriptor: int) -> Socket:
        self.poll.unregister(descriptor)
        self.children.ours.remove(descriptor)
        return self.silent.pop(descriptor)

    def _pass_on(self, client: Socket, *, is_command: bool) -> None:
        if self.nursery is None or is_command or not self._pass_to_nursery(self.nursery, client):
            self.children.take(client)
        client.close()

    def _pass_to_nursery(self, nursery: Nursery, client: Socket) -> bool:
        try:
            nursery.take(client)
        except OSError:  # somebody has killed it: we can do without
            self.children.ours.remove(nursery.fileno())
            nursery.end()
            self.nursery = None
            return False
        return True


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
        start_as_child()
        carry_out = partial(handle, client, operations=operations)
        keep(carry_out, wake, (client.fileno(),), os.getppid())
    finally:
        os._exit(0)


def handle(client: socket.socket, keeper: Keeper, *, operations: Operations) -> None:
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


def is_own_user(client: Socket) -> bool:
    """Whether the process at the other end may give us orders: it runs as our user, or root."""
    data = client.getsockopt(SOCKET_LEVEL, PEER, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(data)
    return uid in (os.geteuid(), 0)


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


def _module_folders() -> set[str]:
    """The folders that our loaded modules came from."""
    return {
        os.path.dirname(path)
        for name, module in sys.modules.items()
        if name.partition(".")[0] == "wherry" and (path := getattr(module, "__file__", None))
    }
