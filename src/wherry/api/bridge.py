"""Clients whose connections cannot leave this process: those of TLS, and of WebSocket frames.

The shim gets one end of a pair of sockets; bytes are moved between the other and the client here.

    client <─ TLS or WebSocket ─> service <─ pair ─> shim
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable

_PIECE = 1 << 16


class Pair:
    """Both ends: `theirs` is a descriptor to hand over, `reader` and `writer` are ours."""

    def __init__(
        self, theirs: socket.socket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.theirs = theirs
        self.reader = reader
        self.writer = writer


async def open_pair() -> Pair:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    return Pair(theirs, reader, writer)


async def copy_out(pair: Pair, send: Callable[[bytes], Awaitable[None]]) -> None:
    """What the shim sends, until it has finished."""
    while piece := await pair.reader.read(_PIECE):
        await send(piece)
