"""The client's end: reach the launcher, or become one for a moment, and send a request.

    connect to RUN/launcher.sock
       ├─ answered ─────────────────────────────> send the request
       └─ nobody there: take RUN/launcher.lock, look again, then
            bind and listen on the socket, start the launcher with it as its descriptor 3,
            let go of the lock ─────────────────> connect: the request waits in the backlog

A launcher, or its child, that is killed before the child says TAKEN has changed nothing: the
request is sent again, which starts another launcher.

The launcher starts with this interpreter and these module paths, in a session of its own and
away from the caller's terminal and descriptors. With WHERRY_LAUNCHER=off, or when no launcher can
be had, a child of this process loads what the launcher holds, and does it: `own_child`.

Imported by clients whose start is counted in milliseconds: nothing but C modules here.
"""

import _socket
import posix  # os would take a millisecond, see `wherry.environment`
import sys

from wherry.environment import encoded, variable
from wherry.errors import Unavailable, WherryError, rebuilt
from wherry.shim.protocol import (
    CONTROL,
    ERROR,
    STDERR,
    STDOUT,
    TAKEN,
    BadMessage,
    FrameReader,
    parse_control,
    request_bytes,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PROGRAM = "wherry.launcher"
LAUNCHER_DESCRIPTOR = 3
_LONGEST_ADDRESS = 107  # bytes of sun_path, unix(7)
_RECEIVE = 1 << 18
_BACKLOG = 512
_ATTEMPTS = 3  # to have a launcher take a request


class Connection:
    """A request under way: frames come in, bytes of stdin go out."""

    def __init__(self, sock: "_socket.socket") -> None:
        self.socket = sock
        self._reader = FrameReader()

    def fileno(self) -> int:
        return self.socket.fileno()

    def receive(self) -> "Iterator[tuple[int, bytes]] | None":
        """The (stream, body) pairs that have arrived; None when there will be no more."""
        try:
            data = self.socket.recv(_RECEIVE)
        except ConnectionResetError:
            return None
        return self._reader.feed(data) if data else None

    def send(self, data: bytes) -> bool:
        """Send bytes of stdin; False when nobody takes them any more."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def end_input(self) -> None:
        """Say that there will be no more stdin."""
        try:
            self.socket.shutdown(_socket.SHUT_WR)
        except OSError:
            return

    def close(self) -> None:
        self.socket.close()

    def controls(
        self, output: "Callable[[int, bytes], None] | None" = None
    ) -> "Iterator[dict[str, object]]":
        """Control messages as they come; an error among them is raised, output handed on."""
        while (frames := self.receive()) is not None:
            for stream, body in frames:
                if stream == CONTROL:
                    message = parse_control(body)
                    if "error" in message:
                        raise error_of(message["error"])
                    yield message
                elif stream == ERROR:
                    raise Unavailable(body.decode("utf-8", "replace"))
                elif output is not None and stream in (STDOUT, STDERR):
                    output(stream, body)

    def answer(self, name: str) -> object:
        """The first control message with the field `name`, or the error sent instead."""
        for message in self.controls():
            if name in message:
                return message[name]
        raise SupervisorGone


class SupervisorGone(Unavailable):
    def __init__(self) -> None:
        super().__init__("the process that was to answer has ended")


def error_of(described: object) -> WherryError:
    """The error that a control message describes."""
    if not isinstance(described, dict):
        raise BadMessage("an error without a description")
    error = rebuilt(described["kind"], described["message"], described["hint"])
    if described["status"]:
        error.exit_code = described["status"]
    return error


class Launcher:
    """Where requests of one installation go. `program` is the module the launcher runs."""

    def __init__(self, root: str, run: str, program: str = PROGRAM) -> None:
        self.root = root
        self.run = run
        self.program = program

    def request(
        self, operation: str, payload: "Mapping[str, object]", descriptors: "Sequence[int]" = ()
    ) -> Connection:
        """Have a forked child carry out `operation`; the connection on which it answers."""
        data = self._request(operation, payload)
        for _ in range(_ATTEMPTS if is_launcher_wanted() else 0):
            sock = self._connected()
            if sock is None:
                break
            if _is_taken(sock, data, descriptors):
                return Connection(sock)
        return _request_of_own_child(data, descriptors)

    def request_of_own_child(
        self, operation: str, payload: "Mapping[str, object]", descriptors: "Sequence[int]" = ()
    ) -> Connection:
        """As `request`, but of a child of this process, which sees the files that this one sees."""
        return _request_of_own_child(self._request(operation, payload), descriptors)

    def request_if_running(
        self, operation: str, payload: "Mapping[str, object]", descriptors: "Sequence[int]" = ()
    ) -> Connection | None:
        """As `request`, but only of a launcher that is there; None when nothing was done."""
        sock = self.running() if is_launcher_wanted() else None
        if sock is not None and _is_taken(sock, self._request(operation, payload), descriptors):
            return Connection(sock)
        return None

    def offer(
        self, operation: str, payload: "Mapping[str, object]", descriptors: "Sequence[int]" = ()
    ) -> Connection | None:
        """Send a request, to a launcher that is there, and wait for nothing: not even for TAKEN,
        which comes before the answer. The connection does not block; None when that would.

        Where TAKEN does not come nothing was done, and `request` will do it.
        """
        if not is_launcher_wanted():
            return None
        sock = _stream_socket()
        sock.setblocking(False)
        try:
            with_address(f"{self.run}/launcher.sock", sock.connect)
            _send(sock, self._request(operation, payload), descriptors)
        except OSError:
            sock.close()
            return None
        return Connection(sock)

    def ensure_started(self) -> None:
        """Start a launcher unless one is there, or none can be had."""
        sock = self._connected() if is_launcher_wanted() else None
        if sock is not None:
            sock.close()

    def _request(self, operation: str, payload: "Mapping[str, object]") -> bytes:
        return request_bytes(operation, {"root": self.root, "run": self.run, **payload})

    def running(self) -> "_socket.socket | None":
        """A connection to the launcher that is there, if one is."""
        sock = _stream_socket()
        try:
            with_address(f"{self.run}/launcher.sock", sock.connect)
        except OSError:
            sock.close()
            return None
        return sock

    def _connected(self) -> "_socket.socket | None":
        sock = self.running()
        if sock is not None:
            return sock
        try:
            self._start()
        except OSError:  # a read-only run folder, no processes left: do without
            return None
        return self.running()

    def _start(self) -> None:
        # for the one command that finds no launcher
        import fcntl
        import os

        os.makedirs(self.run, mode=0o711, exist_ok=True)
        lock = os.open(f"{self.run}/launcher.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = self.running()  # another command was faster
            if found is not None:
                found.close()
                return
            self._spawn()
        finally:
            os.close(lock)

    def _spawn(self) -> None:
        path = f"{self.run}/launcher.sock"
        if posix.access(path, posix.F_OK, follow_symlinks=False):
            posix.unlink(path)
        listener = listening_socket(path)
        log = posix.open(
            f"{self.run}/launcher.log",
            posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_CLOEXEC | posix.O_NOFOLLOW,
            0o600,
        )
        from wherry.shim.spawning import spawn  # for the one command that finds no launcher

        try:
            spawn(
                f"import {self.program} as p; p.main()",
                ["wherry-launcher", self.root, self.run],
                [
                    (posix.POSIX_SPAWN_DUP2, log, 2),
                    (posix.POSIX_SPAWN_DUP2, listener.fileno(), LAUNCHER_DESCRIPTOR),
                ],
            )
        except BaseException:
            posix.unlink(path)
            raise
        finally:
            posix.close(log)
            listener.close()


def is_launcher_wanted() -> bool:
    return variable("WHERRY_LAUNCHER").lower() not in ("off", "0", "no", "false")


def listening_socket(path: str) -> "_socket.socket":
    """A listening socket at `path`, for our user only; close-on-exec as all descriptors here."""
    sock = _stream_socket()
    try:
        before = posix.umask(0o177)
        try:
            with_address(path, sock.bind)
        finally:
            posix.umask(before)
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def connect_to(path: str) -> Connection:
    """A connection to the shim that listens at `path`; OSError when none does."""
    sock = _stream_socket()
    try:
        with_address(path, sock.connect)
    except OSError:
        sock.close()
        raise
    return Connection(sock)


def request_of(
    path: str, operation: str, payload: "Mapping[str, object]", descriptors: "Sequence[int]" = ()
) -> Connection:
    """Send a request to the shim that listens at `path`; OSError when none does."""
    connection = connect_to(path)
    _send(connection.socket, request_bytes(operation, payload), descriptors)
    return connection


def with_address(path: str, use: "Callable[[str], None]") -> None:
    """Call `use` with an address for `path`, through its folder's descriptor if it is too long."""
    if len(encoded(path)) <= _LONGEST_ADDRESS:
        use(path)
        return
    folder, _, name = path.rpartition("/")
    descriptor = posix.open(folder, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        use(f"/proc/self/fd/{descriptor}/{name}")
    finally:
        posix.close(descriptor)


def _stream_socket() -> "_socket.socket":
    return _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)


def _is_taken(sock: "_socket.socket", data: bytes, descriptors: "Sequence[int]") -> bool:
    """Send a request; False, with the socket closed, when whoever was to take it has died."""
    try:
        _send(sock, data, descriptors)
        if sock.recv(1) == TAKEN:
            return True
    except (BrokenPipeError, ConnectionResetError):
        pass
    except BaseException:
        sock.close()
        raise
    sock.close()
    return False


def _request_of_own_child(data: bytes, descriptors: "Sequence[int]") -> Connection:
    from wherry.shim.own_child import own_child  # few need it

    child = own_child()
    try:
        if _is_taken(child.socket, data, descriptors):
            return Connection(child.socket)
    finally:
        child.reap()
    raise SupervisorGone


def _send(sock: "_socket.socket", data: bytes, descriptors: "Sequence[int]") -> None:
    beside = []
    if descriptors:
        array = b"".join(number.to_bytes(4, sys.byteorder) for number in descriptors)
        beside = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array)]
    sent = sock.sendmsg([data], beside)
    if sent < len(data):
        sock.sendall(data[sent:])
