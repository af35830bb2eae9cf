"""HTTP/2 on a connection that HTTP/1 has let go of: streams of bytes, both ways at once.

    socket ─> h2, which knows the protocol ─> Stream: headers, bytes, the end
    socket <─ h2 <─ windows of the peer    <─ Stream.send

We are the server on /grpc, and the client on /session although the peer has opened the connection.
A peer gets room for more data as a stream's data are taken; what nobody takes stays with it. All
that is kept of a peer has bounds: its windows, h2's own for headers, `_MOST_HELD` for messages that
do not end, and `_MOST_UNSENT` for our answers to one that sends and does not read.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

log = logging.getLogger("wherry.api")

_READ = 1 << 16  # bytes of frames that are handled at once
_WINDOW = 1 << 22  # bytes that a stream's peer may send ahead
_FRAME = 1 << 18
# A client that builds many targets at once has two streams for each, and then asks for more.
_MOST_STREAMS = 1024
_MOST_HELD = 1 << 26  # bytes
_MOST_UNSENT = 1 << 25  # bytes

Headers = Sequence[tuple[str, str]]


class ConnectionEnded(ConnectionError):
    """The connection, or this stream of it, ended before its time."""


class Stream:
    """One request with its answer. To be used in the event loop alone."""

    def __init__(self, connection: "Connection", number: int, headers: Headers) -> None:
        self._connection = connection
        self.number = number
        self.headers = headers  # of the peer: of its request, or of its answer
        self.trailers: Headers = ()
        self._data: list[bytes] = []
        self._untaken = 0
        self._ended = False
        self._failure = ""
        self._changed = asyncio.Event()

    # ---- what the peer sends

    async def read(self) -> bytes:
        """All that has come in; b"" at the end."""
        while not self._data:
            if self._failure:
                raise ConnectionEnded(self._failure)
            if self._ended:
                return b""
            self._changed.clear()
            await self._changed.wait()
        data = b"".join(self._data)
        self._data.clear()
        untaken, self._untaken = self._untaken, 0
        self._connection.give_room(self, untaken)
        return data

    def received(self, data: bytes, counted: int) -> None:
        self._untaken += counted
        if data:
            self._data.append(data)
        self._changed.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    def fail(self, reason: str) -> None:
        if not self._ended:
            self._failure = self._failure or reason
        self._changed.set()

    def hold(self, count: int) -> None:
        """Count bytes that were read, but cannot be used before more have come; or no longer."""
        self._connection.hold(count)

    # ---- what we send

    async def send_headers(self, headers: Headers, *, ends: bool = False) -> None:
        await self._connection.send_headers(self.number, headers, ends=ends)

    async def send(self, data: bytes) -> None:
        """Send data as the peer has room for it."""
        at = 0
        while at < len(data):
            while not (room := self._connection.room(self.number)):
                if self._failure:
                    raise ConnectionEnded(self._failure)
                await self._connection.more_room()
            await self._connection.send_data(self.number, data[at : at + room])
            at += room

    async def send_end(self) -> None:
        await self._connection.send_data(self.number, b"", ends=True)

    async def reset(self) -> None:
        """Give the stream up, whatever the peer may still want to send or hear."""
        await self._connection.reset(self.number)


Answer = Callable[[Stream], Awaitable[None]]


class Connection:
    """One connection. `answer` is called for each request, in a task of its own."""

    def __init__(self, *, client: bool, answer: Answer | None = None) -> None:
        config = H2Configuration(client_side=client, header_encoding="utf-8")
        self._h2 = H2Connection(config)
        self._client = client
        self._answer = answer
        self._streams: dict[int, Stream] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._room = asyncio.Event()
        self._begun = asyncio.Event()
        self._held = 0
        self._closed = False

    async def run(self, descriptor: int, early: bytes) -> None:
        """Serve the connection, whose descriptor this takes over, until it ends."""
        sock = socket.socket(fileno=descriptor)
        sock.setblocking(False)
        reader, self._writer = await asyncio.open_connection(sock=sock)
        try:
            self._h2.initiate_connection()
            self._h2.update_settings(
                {
                    SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
                    SettingCodes.MAX_FRAME_SIZE: _FRAME,
                    SettingCodes.MAX_CONCURRENT_STREAMS: _MOST_STREAMS,
                }
            )
            self._h2.increment_flow_control_window(_WINDOW)
            await self._flush()
            self._begun.set()
            data = early or await reader.read(_READ)
            while data and not self._closed:
                for event in self._h2.receive_data(data):
                    self._handle(event)
                self._write()  # not waiting: what waits for the peer must not keep from reading
                if self._writer.transport.get_write_buffer_size() > _MOST_UNSENT:
                    self._writer.transport.abort()
                    break
                data = await reader.read(_READ)
        except (OSError, ProtocolError, UnicodeError) as error:  # headers are to be UTF-8
            log.debug("a connection of HTTP/2 ended: %r", error)
            with suppress(OSError):
                await self._flush()  # what was wrong, as far as HTTP/2 can say it
        finally:
            await self._end()

    async def _end(self) -> None:
        self._closed = True
        self._begun.set()
        for stream in self._streams.values():
            stream.fail("the connection has ended")
        self._room.set()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()

    def close(self) -> None:
        """End it: `run` returns soon."""
        self._closed = True
        if self._writer is not None:
            self._writer.close()

    async def request(self, headers: Headers) -> Stream:
        """A stream of our own; its headers are the answer's once that has begun."""
        await self._begun.wait()
        if self._closed:
            raise ConnectionEnded("the connection has ended")
        number = self._h2.get_next_available_stream_id()
        stream = self._streams[number] = Stream(self, number, ())
        await self.send_headers(number, headers, ends=False)
        return stream

    # ---- events

    def _handle(self, event: Event) -> None:
        match event:
            case RequestReceived():
                self._begin(event)
            case ResponseReceived():
                self._with(event.stream_id, "headers", event.headers)
            case TrailersReceived():
                self._with(event.stream_id, "trailers", event.headers)
            case DataReceived():
                stream = self._streams.get(event.stream_id)
                counted = event.flow_controlled_length or 0
                if stream is None:  # nobody waits for it any more
                    self._h2.acknowledge_received_data(counted, event.stream_id)
                else:
                    stream.received(event.data or b"", counted)
            case StreamEnded():
                if (stream := self._streams.get(event.stream_id)) is not None:
                    stream.end()
            case StreamReset():
                self._reset(event.stream_id)
            case WindowUpdated() | RemoteSettingsChanged():
                self._room.set()
            case ConnectionTerminated():
                self._closed = True

    def _begin(self, event: RequestReceived) -> None:
        number = event.stream_id
        if self._answer is None:
            self._h2.reset_stream(number, ErrorCodes.REFUSED_STREAM)
            return
        stream = self._streams[number] = Stream(self, number, _texts(event.headers))
        task = asyncio.create_task(self._run(self._answer, stream))
        self._tasks[number] = task

    async def _run(self, answer: Answer, stream: Stream) -> None:
        try:
            await answer(stream)
        except ConnectionError:
            return  # its client has gone
        finally:
            self._tasks.pop(stream.number, None)
            self.forget(stream)

    def _with(self, number: int, what: str, headers: object) -> None:
        stream = self._streams.get(number)
        if stream is not None:
            setattr(stream, what, _texts(headers))

    def _reset(self, number: int) -> None:
        stream = self._streams.get(number)
        if stream is not None:
            stream.fail("the stream was given up")
            self._room.set()
        task = self._tasks.get(number)
        if task is not None:
            task.cancel()

    def forget(self, stream: Stream) -> None:
        """Nobody reads it any more: what comes is let through."""
        if self._streams.pop(stream.number, None) is not None:
            self.give_room(stream, stream._untaken)

    # ---- sending

    def hold(self, count: int) -> None:
        self._held += count
        if count > 0 and self._held > _MOST_HELD:
            raise ConnectionEnded("the peer begins more messages than it ends")

    def give_room(self, stream: Stream, count: int) -> None:
        """Let the peer send as much again as was taken from it."""
        if not count or self._closed:
            return
        with suppress(ProtocolError):  # the stream has ended, and needs none
            self._h2.acknowledge_received_data(count, stream.number)
        self._write()

    def room(self, number: int) -> int:
        """How many bytes the peer takes now in one frame."""
        if self._closed:
            raise ConnectionEnded("the connection has ended")
        try:
            window = self._h2.local_flow_control_window(number)
        except ProtocolError as error:
            raise ConnectionEnded(str(error)) from error
        return max(0, min(window, self._h2.max_outbound_frame_size))

    async def more_room(self) -> None:
        self._room.clear()
        await self._room.wait()

    async def send_headers(self, number: int, headers: Headers, *, ends: bool) -> None:
        try:
            self._h2.send_headers(number, list(headers), end_stream=ends)
        except ProtocolError as error:
            raise ConnectionEnded(str(error)) from error
        await self._flush()

    async def send_data(self, number: int, data: bytes, *, ends: bool = False) -> None:
        try:
            self._h2.send_data(number, data, end_stream=ends)
        except ProtocolError as error:
            raise ConnectionEnded(str(error)) from error
        await self._flush()

    async def reset(self, number: int) -> None:
        with suppress(ProtocolError, ConnectionError):
            self._h2.reset_stream(number, ErrorCodes.CANCEL)
            await self._flush()

    def _write(self) -> None:
        if self._writer is not None and (data := self._h2.data_to_send()):
            self._writer.write(data)

    async def _flush(self) -> None:
        self._write()
        if self._writer is not None:
            await self._writer.drain()


def _texts(headers: object) -> Headers:
    assert isinstance(headers, list)
    return [(str(name), str(value)) for name, value in headers]
