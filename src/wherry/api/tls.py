"""Clients that come over TLS: each gets a plain connection to the same service.

    client <── TLS ──> here <── pair of sockets ──> HTTP, and after a hijack the shim

So the rest of the service knows no TLS. asyncio's own cannot be used: it takes the end of a
client's input for the end of the connection, and the docker command ends its input at once.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from wherry.api.bridge import open_pair

_PIECE = 1 << 16
_PATIENCE = 10.0  # seconds for a handshake


class Channel:
    """TLS over a stream. After the end of either direction the other goes on."""

    def __init__(
        self,
        context: ssl.SSLContext,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def handshake(self) -> None:
        """Agree on everything, the client's certificate included; SSLError if that fails."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._receive()
            except ssl.SSLError:
                await self._flush()  # so that the client learns why
                raise
            else:
                await self._flush()
                return

    async def read(self) -> bytes:
        """The next piece; b"" at the end of the client's input."""
        while True:
            try:
                data = self._tls.read(_PIECE)
            except ssl.SSLWantReadError:
                await self._flush()  # an answer to a message of TLS itself
                await self._receive()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            else:
                return data

    async def write(self, data: bytes) -> None:
        self._tls.write(data)
        await self._flush()

    async def end(self) -> None:
        """Say that nothing more comes."""
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        await self._flush()

    async def _receive(self) -> None:
        data = await self._reader.read(_PIECE)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            self._writer.write(data)
            await self._writer.drain()


async def serve_tls(
    http: Callable[[], asyncio.Protocol],
    context: ssl.SSLContext,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Serve one client until it and the service have both ended."""
    channel = Channel(context, reader, writer)
    # A client whose machine has gone is noticed.
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    try:
        async with asyncio.timeout(_PATIENCE):
            await channel.handshake()
        pair = await open_pair()
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(http, pair.theirs)
        inwards = asyncio.create_task(_copy_in(channel, pair.writer))
        try:
            while piece := await pair.reader.read(_PIECE):
                await channel.write(piece)
            await channel.end()
        finally:
            inwards.cancel()
            pair.writer.close()
    except (OSError, TimeoutError, ssl.SSLError):
        return  # the client has gone, or was not to be let in
    finally:
        writer.close()


async def _copy_in(channel: Channel, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await channel.read():
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
