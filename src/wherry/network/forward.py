"""Carrying what the packet filter cannot lead to a container: connections by IPv6 to an IPv4 one.

A container's published ports keep their sockets in its shim, which also keeps others off them.
IPv4 never arrives there, since the packet filter has led it away before. What does arrive, from
[::1] say, wakes the shim, which forks this process for it: one a container, only while needed,
and dying with the shim.

    client ── listening socket ──> Stream ──> container      TCP, one pair for each connection
    client ── bound socket ──> Flow ──> container            UDP, one for each client address
"""

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address

from wherry.linux.process import PrctlOption, close_other_descriptors, prctl
from wherry.typed import Any, NoReturn
from wherry.values import dataclass

_CHUNK = 1 << 16
_FLOW_SECONDS = 90.0  # as long as the kernel's own connection tracking keeps a UDP stream
_MOST_FLOWS = 1024
_ANCILLARY_SIZE = 128


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A socket that clients reach, and what in the container it stands for."""

    listener: socket.socket
    container_ip: IPv4Address | IPv6Address
    container_port: int

    @property
    def is_stream(self) -> bool:
        return self.listener.type == socket.SOCK_STREAM

    def connect(self) -> socket.socket:
        """A socket that is being connected to the container."""
        family = socket.AF_INET if self.container_ip.version == 4 else socket.AF_INET6
        near = socket.socket(family, self.listener.type | socket.SOCK_NONBLOCK)
        try:
            near.connect((str(self.container_ip), self.container_port))
        except BlockingIOError:
            return near  # under way
        except OSError:
            near.close()
            raise
        return near


def start_forwarder(forwardings: Sequence[Forwarding]) -> int:
    """Fork a process that serves `forwardings` until it is killed; its PID."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        _become_forwarder(parent, {f.listener.fileno() for f in forwardings})
        Forwarder(forwardings).run()
    finally:
        os._exit(1)


def _become_forwarder(parent: int, listeners: set[int]) -> None:
    prctl(PrctlOption.SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)  # it died before it could be promised that we follow
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    close_other_descriptors(listeners)
    for _ in range(3 - len([d for d in listeners if d < 3])):
        os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)


class Forwarder:
    """An event loop over the listeners, streams and flows."""

    def __init__(self, forwardings: Sequence[Forwarding]) -> None:
        self._epoll = select.epoll()
        self._on_event: dict[int, Callable[[int], None]] = {}
        self._flows: dict[tuple[int, Any], Flow] = {}
        for forwarding in forwardings:
            forwarding.listener.setblocking(False)
            accept = self._accept if forwarding.is_stream else self._receive
            self.watch(
                forwarding.listener,
                select.EPOLLIN,
                lambda _, forwarding=forwarding, accept=accept: accept(forwarding),  # type: ignore[misc]
            )

    def run(self) -> NoReturn:
        while True:
            for descriptor, events in self._epoll.poll(_FLOW_SECONDS if self._flows else -1):
                # An earlier event of the same round may have closed it.
                if handler := self._on_event.get(descriptor):
                    handler(events)
            self._end_idle_flows()

    def watch(self, end: socket.socket, events: int, handler: Callable[[int], None]) -> None:
        self._on_event[end.fileno()] = handler
        self._epoll.register(end, events)

    def forget(self, end: socket.socket) -> None:
        """Close a socket that is being watched."""
        del self._on_event[end.fileno()]
        self._epoll.unregister(end)
        end.close()

    def _accept(self, forwarding: Forwarding) -> None:
        try:
            client, _ = forwarding.listener.accept()
        except OSError:
            return  # the client has gone again, or there are too many: it stays in the queue
        try:
            container = forwarding.connect()
        except OSError:
            client.close()
            return
        Stream(self, client, container)

    def _receive(self, forwarding: Forwarding) -> None:
        try:
            data, ancillary, _, client = forwarding.listener.recvmsg(_CHUNK, _ANCILLARY_SIZE)
        except OSError:
            return
        key = (forwarding.listener.fileno(), client)
        flow = self._flows.get(key)
        if flow is None:
            if len(self._flows) >= _MOST_FLOWS:
                return
            try:
                flow = Flow(self, forwarding, client, ancillary)
            except OSError:
                return
            self._flows[key] = flow
        flow.to_container(data)

    def _end_idle_flows(self) -> None:
        oldest = time.monotonic() - _FLOW_SECONDS
        for key, flow in list(self._flows.items()):
            if flow.last_used < oldest:
                del self._flows[key]
                self.forget(flow.container)


class _Half:
    """One direction of a stream: what was read from `source` and `sink` has not taken yet."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.waiting = b""
        self.at_end = False  # of what the source sends
        self.finished = False  # and the sink has been told

    def pump(self) -> None:
        """Move what can be moved without waiting. OSError when either side has broken off."""
        while not self.finished:
            if self.waiting:
                try:
                    self.waiting = self.waiting[self.sink.send(self.waiting) :]
                except BlockingIOError:
                    return
                if self.waiting:
                    return
            if self.at_end:
                self.sink.shutdown(socket.SHUT_WR)
                self.finished = True
                return
            try:
                self.waiting = self.source.recv(_CHUNK)
            except BlockingIOError:
                return
            self.at_end = not self.waiting


class Stream:
    """A client's connection and the one to the container that stands for it.

    Both ends are watched for edges: each event moves all that can be moved, so that a further
    one comes only when something has changed, also after one side has hung up.
    """

    _EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLET
    _BROKEN = select.EPOLLHUP | select.EPOLLERR

    def __init__(
        self, forwarder: Forwarder, client: socket.socket, container: socket.socket
    ) -> None:
        client.setblocking(False)
        self._forwarder = forwarder
        self._client = client
        self._container = container
        self._connected = False
        self._to_container = _Half(client, container)
        self._to_client = _Half(container, client)
        forwarder.watch(client, self._EVENTS, self._on_client)
        forwarder.watch(container, self._EVENTS, self._on_container)

    def _on_client(self, events: int) -> None:
        if self._connected:
            self._move(self._to_container, events)

    def _on_container(self, events: int) -> None:
        if not self._connected and events & self._BROKEN:
            self._close()
        elif self._connected or events & select.EPOLLOUT:
            self._connected = True
            self._move(self._to_client, events)

    def _move(self, from_there: _Half, events: int) -> None:
        halves = (self._to_container, self._to_client)
        try:
            for half in halves:
                half.pump()
        except OSError:
            self._close()
            return
        # An end that is gone takes nothing any more; what it had sent may still be on its way.
        if all(half.finished for half in halves) or (events & self._BROKEN and from_there.finished):
            self._close()

    def _close(self) -> None:
        self._forwarder.forget(self._client)
        self._forwarder.forget(self._container)


class Flow:
    """The datagrams of one client."""

    def __init__(
        self, forwarder: Forwarder, forwarding: Forwarding, client: Any, ancillary: list[Any]
    ) -> None:
        self.container = forwarding.connect()
        self.last_used = time.monotonic()
        self._listener = forwarding.listener
        self._client = client
        # Has the address the client sent to, which must be the one it is answered from.
        self._ancillary = ancillary
        forwarder.watch(self.container, select.EPOLLIN, self._to_client)

    def to_container(self, data: bytes) -> None:
        self.last_used = time.monotonic()
        self._quietly(lambda: self.container.send(data))

    def _to_client(self, _: int) -> None:
        self._quietly(
            lambda: self._listener.sendmsg(
                [self.container.recv(_CHUNK)], self._ancillary, 0, self._client
            )
        )

    @staticmethod
    def _quietly(action: Callable[[], object]) -> None:
        try:
            action()
        except OSError:
            return  # a datagram may be lost; a refused one is told as an error here
