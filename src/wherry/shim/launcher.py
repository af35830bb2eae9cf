"""The launcher: a warm, single-threaded interpreter that forks a child for each request.

It holds no state. Killing it costs the next command an interpreter start and nothing else; its
children live on. It never reads a request: it checks whose it is (SO_PEERCRED), peeks at what
it asks for, forks, and the child reads, answers, and stays if it became the shim of a container.

    command  a request that begins with that word is for a child that has the commands loaded
    others   go on to the nursery, whose children are smaller: among them are those that stay
    knock    a client that will soon have such a request: the nursery's spare child gets ready
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
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from wherry.linux.bare import Socket, accepted
from wherry.linux.inotify import Change, Inotify
from wherry.linux.locks import locked
from wherry.linux.sealed import execute_sealed, take_name
from wherry.shim import memory
from wherry.shim.children import Care, Children, has_children, reap_themselves
from wherry.shim.client import LAUNCHER_DESCRIPTOR
from wherry.shim.keeper import Wake
from wherry.shim.knock import KNOCK
from wherry.shim.nursery import QUIET_SECONDS, Nursery
from wherry.shim.outside import leave_callers_cgroup
from wherry.shim.protocol import request_bytes
from wherry.shim.request import COMMAND, Operations, handle, is_own_user
from wherry.typed import NoReturn

IDLE_SECONDS = 300.0
_BEGINNING = len(request_bytes(COMMAND, {}))  # bytes of a request that name its operation
_WRITTEN = Change.CLOSE_WRITE | Change.MOVED_TO | Change.MOVED_FROM | Change.DELETE
_IN_RUN = Change.CREATE | Change.DELETE | Change.MOVED_TO


Later = Mapping[str, Callable[[], None]]
"""What is loaded when a file of that name is in the run folder."""


def _nothing() -> None:
    return


def _nothing_later() -> Later:
    return {}


def serve(
    operations: Operations,
    run: Path,
    wake: Wake,
    rehearse: Callable[[], None] = _nothing,
    load: Callable[[], Later] = _nothing_later,
    care: Care | None = None,
    rehearse_command: Callable[[], None] = _nothing,
) -> None:
    """Answer requests on the inherited listening socket until idle or orphaned.

    What `load` brings in, and what it says may have to be loaded later, is for those requests
    alone that are for commands; the children for those `rehearse_command`. `care` is what it sees
    to besides.
    """
    os.chdir("/")
    os.umask(0o022)
    leave_callers_cgroup()
    reap_themselves()
    take_name()
    _settle()
    carry_out = partial(handle, operations=operations)
    ours = [LAUNCHER_DESCRIPTOR, *(() if care is None else (care.fileno(),))]
    memory.ready_locks()
    nursery = Nursery(carry_out, wake, rehearse, tuple(ours))
    later = load()
    with Inotify() as inotify:
        listener = socket.socket(fileno=LAUNCHER_DESCRIPTOR)
        ours += inotify.descriptor, nursery.fileno()
        children = Children(carry_out, wake, rehearse_command, os.getpid(), ours)
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
        if not self.children.spare:
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
            if begin == KNOCK:
                self._knock()
            if begin in (KNOCK, b""):  # or it has gone
                client.close()
                return
            # As marshal writes a word. Any child can carry out any request, but some would have
            # to load what others have.
            self._pass_on(client, is_command=b"%c%b" % (len(COMMAND), COMMAND.encode()) in begin)

    def _knock(self) -> None:
        if self.nursery is None:
            self.children.knock()
            return
        with suppress(OSError):  # without a nursery nobody has time to get ready
            self.nursery.knock()

    def _no_longer_silent(self, descriptor: int) -> Socket:
        self.poll.unregister(descriptor)
        self.children.ours.remove(descriptor)
        return self.silent.pop(descriptor)

    def _pass_on(self, client: Socket, *, is_command: bool) -> None:
        if self.nursery is None or is_command or not self._pass_to_nursery(self.nursery, client):
            self.children.take(client.fileno())
        client.close()

    def _pass_to_nursery(self, nursery: Nursery, client: Socket) -> bool:
        try:
            nursery.take(client.fileno())
        except OSError:  # somebody has killed it: we can do without
            self.children.ours.remove(nursery.fileno())
            nursery.end()
            self.nursery = None
            return False
        return True


def _module_folders() -> Iterator[str]:
    """The folders that our modules come from, without a look at the modules: that is to write to
    the memory of each, which the nursery shares."""
    for folder, inner, _ in os.walk(Path(__file__).parents[1]):
        inner[:] = [name for name in inner if name != "__pycache__"]
        yield folder
