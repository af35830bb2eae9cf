"""A process's standard streams: pipes or a terminal on one side, the log and clients on the other.

stdin    clients ──> a bounded queue ──> pipe or terminal; a full queue stops reading clients
output   pipe or terminal ──> log ──> each client; a client that is full stops reading output
"""

import errno
import fcntl
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from wherry.linux.tty import set_window_size
from wherry.runtime.stdio import Stdio
from wherry.shim.attach import Attachment, Client, ClientEvents
from wherry.shim.keepsakes import Busy, Keepsakes, Kept
from wherry.shim.loop import HANG_UP, READ, WRITE, Loop, Timer
from wherry.shim.protocol import STDERR, STDOUT
from wherry.typed import Protocol

_CHUNK = 1 << 18
_PIPE_SIZE = 1 << 20
_MOST_INPUT = 1 << 17


class Log(Protocol):
    def write(self, stream: int, data: bytes) -> None: ...


class Pipes:
    """Both ends of the pipes of a process without a terminal."""

    def __init__(self, *, with_stdin: bool) -> None:
        self._ours: list[int] = []
        self._theirs: list[int] = []
        try:
            self.stdin = -1
            if with_stdin:
                reader, self.stdin = self._pipe()
            else:
                reader = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
            self._theirs.append(reader)
            self.stdout, out = self._pipe()
            self._theirs.append(out)
            self.stderr, err = self._pipe()
            self._theirs.append(err)
        except OSError:
            self.close_theirs()
            self.close_ours()
            raise
        self._ours = [fd for fd in (self.stdin, self.stdout, self.stderr) if fd >= 0]
        self.theirs = Stdio(stdin=reader, stdout=out, stderr=err)

    @staticmethod
    def _pipe() -> tuple[int, int]:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        # Fewer and larger reads; an unprivileged user may have used up his share.
        with suppress(OSError):
            fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        return reader, writer

    def close_theirs(self) -> None:
        """After the process has them."""
        while self._theirs:
            os.close(self._theirs.pop())

    def close_ours(self) -> None:
        while self._ours:
            os.close(self._ours.pop())


class Streams:
    """Moves bytes between one process and whoever is attached to it."""

    def __init__(
        self, loop: Loop, log: Log | None, *, stdin_once: bool = False, tty: bool = False
    ) -> None:
        self._loop = loop
        self._log = log
        self._stdin_once = stdin_once
        self._tty = tty
        self._outputs: dict[int, int] = {}  # descriptor: stream
        self._paused = False
        self._stdin = -1
        self._input: deque[memoryview] = deque()
        self._input_size = 0
        self._input_ends = False
        self.clients: list[Client] = []
        self.on_client_gone: Callable[[Client], None] = lambda _client: None
        self._when_ended: Callable[[], None] | None = None
        self._deadline: Timer | None = None
        self._events = ClientEvents(
            input=self._take_input,
            input_ended=self._client_input_ended,
            drained=lambda _client: self._resume_if_possible(),
            gone=self._client_gone,
        )

    def lay_down(self, kept: Keepsakes) -> Kept:
        """What another process needs to go on with these; Busy while bytes are on their way."""
        if self._paused or self._input or self._when_ended is not None:
            raise Busy
        outputs = [(kept.add(number, READ), stream) for number, stream in self._outputs.items()]
        stdin = kept.add(self._stdin, 0) if self._stdin >= 0 else -1
        return outputs, stdin, self._input_ends, [one.lay_down(kept) for one in self.clients]

    def take_up(self, kept: Kept, descriptors: Sequence[int]) -> None:
        """Go on where `lay_down` stopped."""
        outputs, stdin, self._input_ends, clients = kept
        for place, stream in outputs:
            self._add_output(descriptors[place], stream)
        if stdin >= 0:
            self._stdin = descriptors[stdin]
            if self._stdin not in self._outputs:
                self._loop.watch(self._stdin, 0, self._stdin_ready)
        for one in clients:
            self.clients.append(Client.take_up(self._loop, one, descriptors, self._events))

    # ---- the process's side

    def use_pipes(self, pipes: Pipes) -> None:
        """Take over our ends of `pipes`."""
        self._stdin = pipes.stdin
        self._add_output(pipes.stdout, STDOUT)
        self._add_output(pipes.stderr, STDERR)
        if self._stdin >= 0:
            os.set_blocking(self._stdin, False)
            self._loop.watch(self._stdin, 0, self._stdin_ready)
            self._push_input()

    def use_console(self, console: int, *, with_stdin: bool = True) -> None:
        """Take over the controlling side of a terminal."""
        self._add_output(console, STDOUT)
        if with_stdin:
            self._stdin = console
            self._push_input()

    def _add_output(self, descriptor: int, stream: int) -> None:
        os.set_blocking(descriptor, False)
        self._outputs[descriptor] = stream
        self._loop.watch(descriptor, READ, self._ready_handler(descriptor))

    def _ready_handler(self, descriptor: int) -> Callable[[int], None]:
        return lambda events: self._output_ready(descriptor, events)

    def _output_ready(self, descriptor: int, events: int) -> None:
        if events & (READ | HANG_UP) and not self._paused:
            self._read_output(descriptor)
        if events & WRITE and descriptor in self._outputs:
            self._push_input()

    def _read_output(self, descriptor: int) -> bool:
        """Move one chunk; False when there is none for now, or never again."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno != errno.EIO:  # the last process has closed the terminal
                raise
            data = b""
        if not data:
            self._output_ended(descriptor)
            return False
        self.deliver(self._outputs[descriptor], data)
        return True

    def deliver(self, stream: int, data: bytes) -> None:
        """Log a chunk and send it to the clients."""
        if self._log is not None:
            self._log.write(stream, data)
        for client in list(self.clients):
            client.output(stream, data)
        if any(client.is_full for client in self.clients):
            self._pause()

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            # Not merely muted: a pipe whose writers are gone reports that without end.
            for descriptor in self._outputs:
                self._loop.forget(descriptor)

    def _resume_if_possible(self) -> None:
        if self._paused and not any(client.is_full for client in self.clients):
            self._paused = False
            for descriptor in self._outputs:
                self._loop.watch(descriptor, READ, self._ready_handler(descriptor))
            self._watch_input()

    def _output_ended(self, descriptor: int) -> None:
        self._loop.forget(descriptor)
        del self._outputs[descriptor]
        if descriptor == self._stdin:
            self._stdin = -1
        os.close(descriptor)
        if not self._outputs and self._when_ended is not None:
            self._ended()

    def when_ended(self, call: Callable[[], None], patience: float) -> None:
        """Call once all output was moved, or nothing more has come for `patience` seconds.

        A process that has left the container may hold its pipes open for ever.
        """
        self._when_ended = call
        if not self._outputs:
            self._ended()
            return
        self._deadline = self._loop.call_later(patience, self._give_up_if_idle)

    def _give_up_if_idle(self) -> None:
        if self._paused:  # by a client; then nothing is known of the process
            self._deadline = self._loop.call_later(1.0, self._give_up_if_idle)
            return
        for descriptor in list(self._outputs):
            while descriptor in self._outputs and not self._paused:
                if not self._read_output(descriptor):
                    break
        if self._when_ended is not None:
            self._ended()

    def _ended(self) -> None:
        call, self._when_ended = self._when_ended, None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self.close_process_side()
        if call is not None:
            call()

    def close_process_side(self) -> None:
        for descriptor in list(self._outputs):
            self._loop.forget(descriptor)
            os.close(descriptor)
            if descriptor == self._stdin:
                self._stdin = -1
        self._outputs.clear()
        self._close_stdin()

    def resize(self, height: int, width: int) -> bool:
        """Tell the terminal its size; False when there is none."""
        for descriptor in self._outputs:
            if self._tty and height > 0 and width > 0:
                set_window_size(descriptor, height, width)
                return True
        return False

    # ---- stdin

    def _take_input(self, _client: Client, data: bytes) -> bool:
        if self._stdin < 0 and (self._outputs or self._input_ends):
            return True  # the process has no stdin, or has closed it: lost, as in a pipe
        self._input.append(memoryview(data))
        self._input_size += len(data)
        self._push_input()
        return self._input_size < _MOST_INPUT

    def _push_input(self) -> None:
        while self._input and self._stdin >= 0:
            piece = self._input[0]
            try:
                written = os.write(self._stdin, piece)
            except BlockingIOError:
                break
            except OSError:  # nobody reads it any more
                self._input.clear()
                self._input_size = 0
                break
            self._input_size -= written
            if written < len(piece):
                self._input[0] = piece[written:]
            else:
                self._input.popleft()
        if self._input_size < _MOST_INPUT:
            for client in self.clients:
                client.hold_input(False)
        if self._input_ends and not self._input:
            self._close_stdin()
        else:
            self._watch_input()

    def _watch_input(self) -> None:
        if self._stdin < 0:
            return
        wanted = WRITE if self._input else 0
        if self._stdin in self._outputs:
            if not self._paused:
                self._loop.change(self._stdin, READ | wanted)
        else:
            self._loop.change(self._stdin, wanted)

    def _stdin_ready(self, events: int) -> None:
        if events & HANG_UP:  # the reading end is closed
            self._input.clear()
            self._input_size = 0
            self._close_stdin()
        else:
            self._push_input()

    def _client_input_ended(self, _client: Client) -> None:
        # A terminal has no end of input to pass on; a client that merely stops typing stays.
        if self._stdin_once and not self._tty:
            self.end_input()

    def end_input(self) -> None:
        """Close the process's stdin once everything sent so far was taken."""
        self._input_ends = True
        if not self._input:
            self._close_stdin()

    def _close_stdin(self) -> None:
        if self._stdin >= 0 and self._stdin not in self._outputs:
            self._loop.forget(self._stdin)
            os.close(self._stdin)
            self._stdin = -1

    # ---- clients

    def new_client(self, sock: socket.socket, wanted: Attachment) -> Client:
        """Attach the connection `sock`."""
        client = Client(self._loop, sock, wanted, self._events)
        self.clients.append(client)
        if wanted.early:
            client.take(wanted.early)
        return client

    def _client_gone(self, client: Client) -> None:
        if client in self.clients:
            self.clients.remove(client)
        if client.wanted.stdin and self._stdin_once and not self._tty:
            self.end_input()
        self._resume_if_possible()
        self.on_client_gone(client)
