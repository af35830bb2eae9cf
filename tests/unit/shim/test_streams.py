"""Clients attached to a process's streams, over real pipes and sockets."""

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest

from wherry.shim import attach
from wherry.shim.attach import Attachment
from wherry.shim.loop import Loop
from wherry.shim.protocol import CONTROL, ERROR, STDERR, STDOUT, FrameReader, parse_control
from wherry.shim.streams import Pipes, Streams


class Log:
    def __init__(self) -> None:
        self.text = {STDOUT: b"", STDERR: b""}

    def write(self, stream: int, data: bytes) -> None:
        self.text[stream] += data


class Process:
    """A shell command between the pipes of a `Streams`."""

    def __init__(self, command: str, *, stdin_once: bool = True) -> None:
        self.loop = Loop()
        self.log = Log()
        self.pipes = Pipes(with_stdin=True)
        self.streams = Streams(self.loop, self.log, stdin_once=stdin_once)
        stdio = self.pipes.theirs
        self.process = subprocess.Popen(
            ["sh", "-c", command], stdin=stdio.stdin, stdout=stdio.stdout, stderr=stdio.stderr
        )
        self.pipes.close_theirs()
        self.loop.call_later(20, self.loop.stop)

    def attach(self, wanted: Attachment) -> socket.socket:
        ours, theirs = socket.socketpair()
        self.streams.new_client(theirs, wanted)
        return ours

    def run(self) -> None:
        """Until all output was moved."""
        self.streams.use_pipes(self.pipes)
        self.streams.when_ended(self._end, 20)
        self.loop.run()
        self.process.wait()
        self.loop.close()

    def _end(self) -> None:
        self.streams.on_client_gone = lambda _client: self._stop_when_alone()
        for client in list(self.streams.clients):
            client.finish(exit=0)
        self._stop_when_alone()

    def _stop_when_alone(self) -> None:
        if not self.streams.clients:
            self.loop.stop()


def received(sock: socket.socket) -> dict[int, bytes]:
    """Everything that has arrived, by stream."""
    sock.setblocking(False)
    reader = FrameReader()
    found = dict.fromkeys((STDOUT, STDERR, ERROR, CONTROL), b"")
    while True:
        try:
            data = sock.recv(1 << 20)
        except BlockingIOError:
            return found
        if not data:
            return found
        for stream, body in reader.feed(data):
            found[stream] += body


@pytest.fixture
def sockets() -> Iterator[Callable[[socket.socket], socket.socket]]:
    opened: list[socket.socket] = []

    def keep(sock: socket.socket) -> socket.socket:
        opened.append(sock)
        return sock

    yield keep
    for sock in opened:
        sock.close()


Keep = Callable[[socket.socket], socket.socket]


def test_every_client_gets_what_it_wants_and_the_log_everything(sockets: Keep) -> None:
    process = Process("echo out; echo err >&2")
    both = sockets(process.attach(Attachment()))
    errors = sockets(process.attach(Attachment(stdout=False)))
    process.run()

    assert process.log.text == {STDOUT: b"out\n", STDERR: b"err\n"}
    assert received(both)[STDOUT] == b"out\n"
    found = received(errors)
    assert (found[STDOUT], found[STDERR]) == (b"", b"err\n")
    assert parse_control(found[CONTROL]) == {"exit": 0}


def test_a_half_closed_client_still_gets_the_output(sockets: Keep) -> None:
    process = Process("cat; echo done")
    client = sockets(process.attach(Attachment(stdin=True)))
    client.sendall(b"typed before the process was there\n")
    client.shutdown(socket.SHUT_WR)
    process.run()
    assert received(client)[STDOUT] == b"typed before the process was there\ndone\n"


def test_input_of_any_size_arrives(sockets: Keep) -> None:
    process = Process("sleep 0.1; wc -c")
    client = sockets(process.attach(Attachment(stdin=True)))

    def send() -> None:
        client.sendall(b"x" * 3_000_000)
        client.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=send)
    thread.start()
    process.run()
    thread.join()
    assert process.log.text[STDOUT] == b"3000000\n"


def test_a_client_that_does_not_read_is_sent_away(
    sockets: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attach, "LONGEST_STALL", 0.2)
    process = Process("head -c 8000000 /dev/zero")
    slow = sockets(process.attach(Attachment()))
    process.run()
    assert len(process.log.text[STDOUT]) == 8_000_000
    assert len(received(slow)[STDOUT]) < 8_000_000


def test_the_first_client_holds_the_container_back_and_loses_nothing(sockets: Keep) -> None:
    process = Process("head -c 8000000 /dev/zero")
    first = sockets(process.attach(Attachment(first=True)))
    late = threading.Event()
    total = 0

    def read() -> None:
        nonlocal total
        late.wait()
        reader = FrameReader()
        while data := first.recv(1 << 16):
            total += sum(len(body) for stream, body in reader.feed(data) if stream == STDOUT)

    thread = threading.Thread(target=read)
    thread.start()
    logged_before: list[int] = []

    def look() -> None:
        logged_before.append(len(process.log.text[STDOUT]))
        late.set()

    process.loop.call_later(0.3, look)
    process.run()
    thread.join()
    assert total == len(process.log.text[STDOUT]) == 8_000_000
    assert logged_before[0] < 4_000_000
