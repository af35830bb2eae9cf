"""Clients attached to a container: frames out, bytes of stdin in, none waiting for another.

What is written to a client that does not read is kept, up to a bound. Then
  - the client that the container was started for (`run`, `start -a`) holds the container back, as
    a pipe would: `wherry run ... | less` must not lose bytes. Docker does the same for all;
  - any other client holds it back for a moment, and is sent away when it has still not read.
The log is written before any client is served, so it has everything that was let through.
"""

import socket
from collections import deque
from collections.abc import Callable, Sequence

from wherry.shim.detach_keys import DetachFilter
from wherry.shim.keepsakes import Busy, Keepsakes, Kept
from wherry.shim.loop import HANG_UP, READ, WRITE, Loop, Timer
from wherry.shim.protocol import ERROR, STDOUT, control, frame, header
from wherry.values import dataclass

MOST_PENDING = 1 << 20  # bytes kept for a client
LONGEST_STALL = 3.0  # seconds that a client other than the first may hold the others up
_RECEIVE = 65536


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """What a client wants of a container's streams. `keys` detach; without any none do."""

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    keys: bytes = b""
    first: bool = False  # the container was started for it
    controls: bool = True  # not for a client of the Engine API, which knows no such frames
    bare: bool = False  # output without frames, as the API has it with a terminal
    early: bytes = b""  # input that came before the connection was handed over


# What of it matters once the client is there.
_LASTING = ("stdin", "stdout", "stderr", "keys", "first", "controls", "bare")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientEvents:
    """What a client's owner is told."""

    input: Callable[["Client", bytes], bool]  # False: wait before reading more
    input_ended: Callable[["Client"], None]
    drained: Callable[["Client"], None]  # it has read what held the container back
    gone: Callable[["Client"], None]


class Client:
    """One connection, watched by the loop until it is closed."""

    def __init__(
        self, loop: Loop, sock: socket.socket, wanted: Attachment, events: ClientEvents
    ) -> None:
        self.wanted = wanted
        self._loop = loop
        self._socket = sock
        self._events = events
        self._pending: deque[memoryview] = deque()
        self._pending_size = 0
        self._stall: Timer | None = None
        self._input_held = False
        self._input_ended = False
        self._closing = False
        self._detach = DetachFilter(wanted.keys) if wanted.keys else None
        self.detached = False
        sock.setblocking(False)
        loop.watch(sock.fileno(), READ, self._ready)

    def lay_down(self, kept: Keepsakes) -> Kept:
        """What another process needs to go on with this client; Busy while something is due."""
        if self._pending or self._closing or self._input_held:
            raise Busy
        wanted = self.wanted
        return (
            kept.add(self._socket.fileno(), READ if self._reads else 0),
            tuple(getattr(wanted, name) for name in _LASTING),
            self._input_ended,
            self._detach.held if self._detach is not None else 0,
        )

    @classmethod
    def take_up(
        cls, loop: Loop, kept: Kept, descriptors: Sequence[int], events: ClientEvents
    ) -> "Client":
        """Go on where `lay_down` stopped."""
        place, lasting, input_ended, held = kept
        wanted = Attachment(**dict(zip(_LASTING, lasting, strict=True)))
        client = cls(loop, socket.socket(fileno=descriptors[place]), wanted, events)
        if client._detach is not None:
            client._detach.held = held
        if input_ended:
            client._input_ended = True
            client._watch()
        return client

    @property
    def is_open(self) -> bool:
        return self._socket.fileno() >= 0

    @property
    def is_full(self) -> bool:
        return self._pending_size > MOST_PENDING

    # ---- to the client

    def output(self, stream: int, data: bytes) -> None:
        """Send what the container wrote, if the client wants that stream."""
        if self._closing or not (self.wanted.stdout if stream == STDOUT else self.wanted.stderr):
            return
        if self.wanted.bare:
            self._send(data)
        else:
            self._send(header(stream, len(data)), data)

    def control(self, **message: object) -> None:
        if not self._closing and self.wanted.controls:
            self._send(control(**message))

    def send_frame(self, data: bytes) -> None:
        """Send a frame that is already made."""
        if not self._closing:
            self._send(data)

    def finish(self, **message: object) -> None:
        """Send a last message; the connection closes when the client has all of it."""
        if self._closing:
            return
        if message:
            self.control(**message)
        self._closing = True
        self._flush()

    def _send(self, *parts: bytes) -> None:
        if not self.is_open:
            return
        size = sum(map(len, parts))
        sent = 0
        if not self._pending:
            try:
                sent = self._socket.sendmsg(parts)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.close()
                return
        if sent < size:
            rest = memoryview(b"".join(parts))[sent:]
            self._pending.append(rest)
            self._pending_size += len(rest)
            self._watch()
            if self.is_full and self._stall is None and not self.wanted.first:
                self._stall = self._loop.call_later(LONGEST_STALL, self._send_away)

    def _send_away(self) -> None:
        if self.is_full:
            self._pending.clear()
            if not self.wanted.bare:
                self._send(frame(ERROR, b"the client reads too slowly"))
            self.close()

    def _flush(self) -> None:
        was_full = self.is_full
        while self._pending:
            piece = self._pending[0]
            try:
                sent = self._socket.send(piece)
            except BlockingIOError:
                break
            except OSError:
                self.close()
                return
            self._pending_size -= sent
            if sent < len(piece):
                self._pending[0] = piece[sent:]
                break
            self._pending.popleft()
        if not self.is_full and self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self._closing and not self._pending:
            self.close()
            return
        self._watch()
        if was_full and not self.is_full:
            self._events.drained(self)

    # ---- from the client

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & READ and self.is_open and self._reads:
            self._receive()
        elif events & HANG_UP and self.is_open:
            self.close()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if not data:
            # Its end of input is no good-bye: it may still want the output.
            self._input_ended = True
            self._watch()
            if self.wanted.stdin and not self._closing:
                self._events.input_ended(self)
            return
        self.take(data)

    def take(self, data: bytes) -> None:
        """Input, as if it had just been received."""
        if not self.wanted.stdin or self._closing:
            return
        if self._detach is not None:
            data = self._detach.feed(data)
        if data and not self._events.input(self, data):
            self.hold_input(True)
        if self._detach is not None and self._detach.found:
            self.detached = True
            self.finish(detached=True)

    def hold_input(self, hold: bool) -> None:
        """Read no more for now, since the container does not take it as fast; or go on."""
        if self._input_held != hold:
            self._input_held = hold
            self._watch()

    @property
    def _reads(self) -> bool:
        return not (self._input_held or self._input_ended)

    def _watch(self) -> None:
        if self.is_open:
            events = (READ if self._reads else 0) | (WRITE if self._pending else 0)
            self._loop.change(self._socket.fileno(), events)

    def close(self) -> None:
        """Let go of the connection; what was not sent is lost."""
        if not self.is_open:
            return
        self._loop.forget(self._socket.fileno())
        self._socket.close()
        self._pending.clear()
        self._pending_size = 0
        if self._stall is not None:
            self._stall.cancel()
        self._events.gone(self)
