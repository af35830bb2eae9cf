"""The messages between the process that makes a container and the container's init.

A pair of SOCK_SEQPACKET sockets, close-on-exec: a message is a packet, and the end of the
stream says that the other side executed its program or died.

    main                              init
     │ ── JOINED ─────────────────────> │ enters its cgroup, unshares
     │ <─ NAMESPACES ────────────────── │
     │    plugs in the network          │ mounts
     │ ── CONNECTED (if it waits) ────> │ writes settings of interfaces
     │ <─ HOOKS (if there are any) ──── │
     │ ── CONTINUE ───────────────────> │ changes its root, drops its privileges
     │ <─ CONSOLE + descriptor ──────── │
     │ <─ READY ─────────────────────── │
     │ ── START ──────────────────────> │ execve
     │ <─ end of stream ─────────────── │

FAILED may come in place of any message of init's. With a user namespace a stage between asks
for its ID maps (MAP) and the offsets of its clocks (CLOCKS), and tells the pid of init (CHILD), all
answered by CONTINUE; see `users`. A seccomp filter that has somebody notified is loaded before
READY, and told of by LISTENER, answered by CONTINUE; see `seccomp_agent`.

The process of an exec waits for nobody but for those: it says READY and goes on to its program.
"""

import json
import os
import select
import socket
from enum import Enum

from wherry.errors import WherryError, kind_of
from wherry.go_text import reason
from wherry.runtime.errors import ContainerStartFailed, ProgramNotRunnable
from wherry.typed import Any
from wherry.values import dataclass, field

_LONGEST = 1 << 16


class Kind(Enum):
    MAP = "map"
    CLOCKS = "clocks"
    CHILD = "child"
    JOINED = "joined"
    NAMESPACES = "namespaces"
    CONNECTED = "connected"
    HOOKS = "hooks"
    CONTINUE = "continue"
    CONSOLE = "console"
    LISTENER = "listener"
    WARNING = "warning"
    READY = "ready"
    START = "start"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Message:
    kind: Kind
    facts: dict[str, Any] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()


class PeerGone(Exception):
    """The other side closed the channel: it executed its program, or it died."""


class Channel:
    """One end of the conversation."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    @classmethod
    def pair(cls) -> "tuple[Channel, Channel]":
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours), cls(theirs)

    def fileno(self) -> int:
        return self._end.fileno()

    @property
    def is_closed(self) -> bool:
        """Whether the other side has closed it; what that has sent before can still be read."""
        waiting = select.poll()
        waiting.register(self._end, 0)
        return bool(waiting.poll(0))

    def close(self) -> None:
        self._end.close()

    def send(self, kind: Kind, /, *descriptors: int, **facts: Any) -> None:
        data = json.dumps([kind.value, facts]).encode()
        try:
            if descriptors:
                socket.send_fds(self._end, [data], list(descriptors))
            else:
                # By write(2) alone: of other calls a filter may have notified, `seccomp_agent`.
                os.write(self._end.fileno(), data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise PeerGone from error

    def receive(self) -> Message:
        """The next message, or PeerGone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(
                self._end, _LONGEST, 4, socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionResetError as error:
            raise PeerGone from error
        if not data:
            raise PeerGone
        kind, facts = json.loads(data)
        return Message(Kind(kind), facts, tuple(descriptors))

    def expect(self, kind: Kind) -> Message:
        """The next message, which must be of this `kind`."""
        message = self.receive()
        if message.kind is not kind:
            raise ProtocolError(kind, message.kind)
        return message


class ProtocolError(RuntimeError):
    def __init__(self, expected: Kind, got: Kind) -> None:
        super().__init__(f"expected {expected.value}, got {got.value}")


def failure_facts(error: BaseException, step: str) -> dict[str, Any]:
    """`error`, which ended `step`, as the facts of a FAILED message."""
    if isinstance(error, ProgramNotRunnable):
        return {"kind": "program", "message": error.reason}
    if isinstance(error, ContainerStartFailed):
        return {"kind": "Internal", "step": error.step, "message": error.reason}
    if isinstance(error, WherryError):
        return {"kind": kind_of(error), "step": step, "message": error.message}
    return {"kind": "Internal", "step": step, "message": reason_of(error)}


def reason_of(error: BaseException) -> str:
    """An OSError in Go's words, which are the C library's in lower case, with its file."""
    if isinstance(error, OSError) and error.errno is not None:
        text = reason(error)
        return f"{os.fsdecode(error.filename)}: {text}" if error.filename else text
    return str(error) or type(error).__name__


def raised(facts: dict[str, Any]) -> WherryError:
    """The error that a FAILED message describes."""
    if facts["kind"] == "program":
        return ProgramNotRunnable(facts["message"])
    return ContainerStartFailed(facts.get("step", ""), facts["message"])
