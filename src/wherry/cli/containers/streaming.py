"""The client's side of attached streams: standard input out, output in, none blocking the other.

    stdin ──(a chunk at a time)──> connection      nothing is read while a chunk waits
    connection ──> stdout, stderr

A terminal is in raw mode meanwhile, its size follows the window's, and it is restored on every
way out. Signals are passed on as orders to the supervisor. Nothing but C modules is imported.
"""

import _signal as signal  # type: ignore[import-not-found]  # signal itself loads enum
import posix  # os would take a millisecond, see `wherry.environment`
import select

from wherry.cli.containers.terminal import Terminal, window_size
from wherry.cli.context import OutputClosed, OutputFailed
from wherry.errors import Unavailable
from wherry.shim.client import Connection, error_of, request_of
from wherry.shim.protocol import CONTROL, ERROR, STDERR, parse_control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_CHUNK = 65536
# Docker passes on all but SIGCHLD, SIGPIPE and SIGURG. We keep those besides that mean a fault of
# our own: a handler would go back to where it happened, for ever.
_KEPT = (
    *("SIGKILL", "SIGSTOP", "SIGCHLD", "SIGPIPE", "SIGURG"),
    *("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL"),
)
_OF_THE_C_LIBRARY = (32, 33)


class Outcome:
    """How attached streams ended."""

    def __init__(self) -> None:
        self.exit_code: int | None = None
        self.detached = False


class Attached:
    """A connection whose streams are this process's own."""

    def __init__(
        self, connection: Connection, *, stdin: bool, terminal: "Terminal | None" = None
    ) -> None:
        self._connection = connection
        self._stdin = stdin
        self._terminal = terminal
        self._pending = b""
        self._input_ended = not stdin
        self.outcome = Outcome()
        # Told of each control message that is not about the end.
        self.on_message: Callable[[dict[str, object]], None] = lambda _message: None

    def run(self) -> Outcome:
        """Move bytes until the container or the connection has ended. Errors are raised."""
        connection = self._connection
        connection.socket.setblocking(False)
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        if self._stdin:
            poll.register(0, select.POLLIN)
        while True:
            for descriptor, events in poll.poll():
                if descriptor == 0:
                    if not self._take_input(poll):
                        poll.unregister(0)
                    continue
                if events & select.POLLOUT:
                    self._send(poll)
                if events & ~select.POLLOUT and not self._receive():
                    return self.outcome

    def _take_input(self, poll: "select.poll") -> bool:
        """Read a chunk of stdin; False when there is to be no more reading for now."""
        try:
            self._pending = posix.read(0, _CHUNK)
        except OSError:  # a terminal that went away
            self._pending = b""
        if not self._pending:
            self._input_ended = True
            self._connection.end_input()
            return False
        self._send(poll, reading=True)
        return not self._pending

    def _send(self, poll: "select.poll", *, reading: bool = False) -> None:
        try:
            self._pending = self._pending[self._connection.socket.send(self._pending) :]
        except BlockingIOError:
            pass
        except OSError:  # its end will be read
            self._pending = b""
            self._input_ended = True
        if self._pending:
            poll.modify(self._connection.fileno(), select.POLLIN | select.POLLOUT)
        elif not reading:
            poll.modify(self._connection.fileno(), select.POLLIN)
            if not self._input_ended:
                poll.register(0, select.POLLIN)

    def _receive(self) -> bool:
        try:
            frames = self._connection.receive()
        except BlockingIOError:
            return True
        if frames is None:
            return False
        for stream, body in frames:
            if stream == CONTROL:
                self._take_message(parse_control(body))
            elif stream == ERROR:
                raise Unavailable(body.decode("utf-8", "replace"))
            else:
                write_all(2 if stream == STDERR else 1, body)
        return self.outcome.exit_code is None  # which is the last there is to know

    def _take_message(self, message: "dict[str, object]") -> None:
        if "error" in message:
            raise error_of(message["error"])
        if "exit" in message:
            code = message["exit"]
            self.outcome.exit_code = code if isinstance(code, int) else 0
        elif "detached" in message:
            self.outcome.detached = True
        else:
            self.on_message(message)


def write_all(descriptor: int, data: bytes) -> None:
    """Write output of the container; OutputClosed when nobody reads it any more."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[posix.write(descriptor, rest) :]
        except BlockingIOError:  # whoever we share it with made it so
            select.select([], [descriptor], [])
        except BrokenPipeError:
            raise OutputClosed from None
        except OSError as error:
            raise OutputFailed(error) from error


class Orders:
    """Orders that go to a supervisor while its streams are attached.

    Signals are turned into orders: those that arrive before it can take any are kept.
    """

    def __init__(self) -> None:
        self._path = ""
        self._kept: list[tuple[str, dict[str, object]]] = []

    def ready(self, path: str) -> None:
        """The supervisor takes orders at `path` from now on."""
        self._path = path
        kept, self._kept = self._kept, []
        for operation, payload in kept:
            self.send(operation, payload)

    def send(self, operation: str, payload: "dict[str, object]") -> None:
        if not self._path:
            self._kept.append((operation, payload))
            return
        try:
            connection = request_of(self._path, operation, payload)
        except OSError:  # it has just ended
            return
        connection.receive()
        connection.close()

    def pass_signals_on(self) -> None:
        """From now on, what this process is sent is sent to the container."""
        kept = {*_OF_THE_C_LIBRARY, *(getattr(signal, name) for name in _KEPT)}
        for number in range(1, signal.NSIG):
            if number not in kept:
                signal.signal(number, self._pass_on)

    def _pass_on(self, number: int, _frame: "FrameType | None") -> None:
        self.send("kill", {"signal": number})

    def follow_window(self) -> None:
        """Tell the container's terminal when the size of ours changes."""
        signal.signal(signal.SIGWINCH, lambda _number, _frame: self.resize())

    def resize(self) -> None:
        rows, columns = window_size()
        if rows and columns:
            self.send("resize", {"height": rows, "width": columns})


def run_streams(
    streams: Attached, orders: Orders, *, tty: bool, stdin: bool, sig_proxy: bool
) -> Outcome:
    """Stay attached, with the terminal or the signals that belong to it."""
    if sig_proxy:
        orders.pass_signals_on()
    if not tty:
        return streams.run()
    orders.follow_window()
    if not (stdin and posix.isatty(0)):
        return streams.run()
    with Terminal():
        return streams.run()
