"""A container's name service, in the loop of its supervisor: it costs no process of its own.

    query on 127.0.0.11 ──> resolve (rows of the database) ──> answer
                                └── not ours ──> forwarded under an ID of our own ──> answer

A forwarded query goes, as it is, to one server after the other, each with its time. Nothing that
arrives here may end the container's supervisor: what cannot be read is dropped, what fails is
answered with SERVFAIL.
"""

import _sqlite3 as sqlite3
import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress

from wherry.errors import WherryError
from wherry.network import dns
from wherry.network.dns import BadMessage, Code, Query
from wherry.network.name_sockets import NameSockets, Outgoing
from wherry.network.nameservers import Server
from wherry.network.resolve import Noted, Resolution, Resolver
from wherry.shim.keepsakes import Busy, Keepsakes, Kept
from wherry.shim.loop import HANG_UP, READ, WRITE, Loop, Timer
from wherry.values import dataclass

_DNS_PORT = 53
_LARGEST = 1 << 16
_MOST_FORWARDED = 256
_MOST_STREAMS = 64
_AT_ONCE = 16  # datagrams read before others in the loop have their turn
_PATIENCE = 2.0  # seconds for each server: all of them before a client gives up, after 5
_IDLE = 10.0  # seconds of silence on a stream

_UNREADABLE = (WherryError, sqlite3.Error, OSError)  # what reading rows may raise

_Reply = Callable[[bytes], None]


class NameService:
    """Serves the sockets until it is closed."""

    def __init__(
        self,
        loop: Loop,
        resolver: Resolver,
        sockets: NameSockets,
    ) -> None:
        self.loop = loop
        self.sockets = sockets
        self.outgoing = Outgoing(sockets)
        self._resolver = resolver
        self._noted: Noted | None = None
        self._forwarded: set[_Forwarded] = set()
        self._streams: set[_Stream] = set()
        loop.watch(sockets.udp.fileno(), READ, self._datagrams)
        loop.watch(sockets.tcp.fileno(), READ, self._accept)

    def note(self) -> None:
        """Note what is known, for another process; while the database is open."""
        with suppress(*_UNREADABLE):
            # What was noted before tells by itself whether it still holds.
            self._noted = self._resolver.note() or self._noted

    def lay_down(self, kept: Keepsakes) -> Kept:
        """What another process needs to go on; Busy while a query or a client is served."""
        if self._forwarded or self._streams:
            raise Busy
        sockets = self.sockets
        return (
            kept.add(sockets.udp.fileno(), READ),
            kept.add(sockets.tcp.fileno(), READ),
            kept.add(sockets.netns),
            [(str(server.address), server.from_host) for server in sockets.servers],
            self._noted,
        )

    def close(self) -> None:
        for query in list(self._forwarded):
            query.close()
        for stream in list(self._streams):
            stream.close()
        self.loop.forget(self.sockets.udp.fileno())
        self.loop.forget(self.sockets.tcp.fileno())
        self.outgoing.close()
        self.sockets.close()

    def handle(self, data: bytes, reply: _Reply, *, stream: bool) -> None:
        """Answer the message `data` by calling `reply`, now or later."""
        try:
            query = dns.parse_query(data)
        except BadMessage:
            return
        try:
            found = self._resolver.resolve(query)
        except _UNREADABLE:
            found = Resolution(code=Code.SERVER_FAILURE)
        if not found.forward:
            reply(dns.answer(query, found.records, found.code, stream=stream))
        elif self.sockets.servers and len(self._forwarded) < _MOST_FORWARDED:
            _Forwarded(self, query, data, reply, stream).begin()
        else:
            reply(dns.answer(query, code=Code.SERVER_FAILURE, stream=stream))

    def _datagrams(self, _events: int) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, client = self.sockets.udp.recvfrom(_LARGEST)
            except OSError:
                return
            self.handle(data, lambda answer, to=client: self._send(answer, to), stream=False)  # type: ignore[misc]

    def _send(self, data: bytes, client: tuple[str, int]) -> None:
        try:
            self.sockets.udp.sendto(data, client)
        except OSError:
            return  # it may be lost, and is asked for again

    def _accept(self, _events: int) -> None:
        try:
            client, _ = self.sockets.tcp.accept()
        except OSError:
            return
        if len(self._streams) < _MOST_STREAMS:
            self._streams.add(_Stream(self, client))
        else:
            client.close()

    def stream_ended(self, stream: "_Stream") -> None:
        self._streams.discard(stream)

    def began(self, query: "_Forwarded") -> None:
        self._forwarded.add(query)

    def ended(self, query: "_Forwarded") -> None:
        self._forwarded.discard(query)


def answer_waiting(resolver: Resolver, udp: socket.socket) -> None:
    """Answer queries that have come, up to the first that takes more than `resolver` knows.

    For a supervisor that a query has woken: who asked need not wait until it is all there.
    """
    for _ in range(_AT_ONCE):
        try:
            data, client = udp.recvfrom(_LARGEST, socket.MSG_PEEK)
            query = dns.parse_query(data)
            found = resolver.resolve(query)
            if found.forward:
                return
            udp.recv(1)  # the rest of a datagram goes with it
            udp.sendto(dns.answer(query, found.records, found.code), client)
        except (BadMessage, *_UNREADABLE):
            return


class _Forwarded:
    """One query on its way through the servers."""

    def __init__(
        self, service: NameService, query: Query, message: bytes, reply: _Reply, stream: bool
    ) -> None:
        self._service = service
        self._query = query
        self._message = message  # as it came: it may ask for more than we know of
        self._reply = reply
        self._stream = stream
        self._servers = list(service.sockets.servers)
        self._socket: socket.socket | None = None
        self._timer: Timer | None = None
        self._number = 0
        self._received = b""
        self._sent = False

    def begin(self) -> None:
        self._service.began(self)
        self._next()

    def close(self) -> None:
        self._leave_server()
        self._service.ended(self)

    def _next(self) -> None:
        """Ask the next server, or give up."""
        while self._servers:
            server = self._servers.pop(0)
            try:
                self._ask(server)
            except OSError:
                self._leave_server()
                continue
            return
        self.close()
        self._reply(dns.answer(self._query, code=Code.SERVER_FAILURE, stream=self._stream))

    def _ask(self, server: Server) -> None:
        kind = socket.SOCK_STREAM if self._stream else socket.SOCK_DGRAM
        loop = self._service.loop
        self._number = int.from_bytes(os.urandom(2), "big")
        self._received, self._sent = b"", False
        near = self._socket = self._service.outgoing.open_towards(server, kind)
        self._timer = loop.call_later(_PATIENCE, self._give_up_on_server)
        try:
            near.connect((str(server.address), _DNS_PORT))
        except BlockingIOError:
            loop.watch(near.fileno(), WRITE, self._connected)
            return
        self._send()
        loop.watch(near.fileno(), READ, self._answered)

    def _connected(self, _events: int) -> None:
        assert self._socket is not None
        self._service.loop.forget(self._socket.fileno())
        try:
            self._send()
        except OSError:
            self._give_up_on_server()
            return
        self._service.loop.watch(self._socket.fileno(), READ, self._answered)

    def _send(self) -> None:
        assert self._socket is not None
        data = dns.with_id(self._message, self._number)
        if self._stream:
            data = len(data).to_bytes(2, "big") + data
        # Any sensible query fits into an empty send buffer.
        if self._socket.send(data) != len(data):
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))

    def _answered(self, _events: int) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError:  # refused
            self._give_up_on_server()
            return
        if self._stream:
            if not data:
                self._give_up_on_server()
                return
            self._received += data
            length = int.from_bytes(self._received[:2], "big")
            if len(self._received) < 2 + length or length == 0:
                return
            data = self._received[2 : 2 + length]
        if not dns.is_answer_to(data, self._query, self._number):
            return  # somebody else's guess: the right one may come yet
        if data[3] & 0xF == Code.SERVER_FAILURE and self._servers:
            self._give_up_on_server()
            return
        self.close()
        self._reply(dns.with_id(data, self._query.id))

    def _give_up_on_server(self) -> None:
        self._leave_server()
        self._next()

    def _leave_server(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._socket is not None:
            self._service.loop.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None


@dataclass(eq=False)
class _Stream:
    """A client's connection: messages with their length before them, RFC 1035 4.2.2."""

    service: NameService
    client: socket.socket

    def __post_init__(self) -> None:
        self._received = b""
        self._closed = False
        self.client.setblocking(False)
        self._timer = self.service.loop.call_later(_IDLE, self.close)
        self.service.loop.watch(self.client.fileno(), READ, self._ready)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._timer.cancel()
        self.service.loop.forget(self.client.fileno())
        self.client.close()
        self.service.stream_ended(self)

    def _ready(self, events: int) -> None:
        try:
            data = self.client.recv(_LARGEST)
        except BlockingIOError:
            if events & HANG_UP:
                self.close()
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._timer.cancel()
        self._timer = self.service.loop.call_later(_IDLE, self.close)
        self._received += data
        while len(self._received) >= 2 and not self._closed:
            length = int.from_bytes(self._received[:2], "big")
            if len(self._received) < 2 + length:
                return
            message, self._received = self._received[2 : 2 + length], self._received[2 + length :]
            self.service.handle(message, self._reply, stream=True)

    def _reply(self, data: bytes) -> None:
        if self._closed:
            return
        try:
            sent = self.client.send(len(data).to_bytes(2, "big") + data)
        except OSError:
            sent = -1
        if sent != len(data) + 2:  # it does not read what it has asked for
            self.close()
