"""Connections of HTTP/2 whose bytes are not what they should be: they end, and raise nothing."""

import asyncio
import socket

from h2.config import H2Configuration
from h2.connection import H2Connection
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.api.buildkit.grpc import Methods, Rpc, messages
from wherry.api.buildkit.http2 import Connection

HEADERS = (
    (b":method", b"POST"),
    (b":path", b"/a/Echo"),
    (b":scheme", b"http"),
    (b":authority", b"x"),
)


async def echo(rpc: Rpc) -> None:
    async for message in messages(rpc.stream):
        await rpc.send(message)


def talk(*values: bytes) -> bytes:
    """What a client sends that calls a method for each value, which is in a header too."""
    client = H2Connection(H2Configuration(client_side=True, header_encoding=None))
    client.initiate_connection()
    for value in values:
        number = client.get_next_available_stream_id()
        client.send_headers(number, [*HEADERS, (b"x", value)])
        client.send_data(number, b"\0\0\0\0\5hello" * 3, end_stream=True)
        client.ping(b"12345678")
    return client.data_to_send()


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.binary(max_size=8), max_size=3),
    changes=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=6),
    end=st.integers(0, 600),
    client=st.booleans(),
)
def test_a_connection_ends_whatever_comes_in(
    values: list[bytes], changes: list[tuple[int, int]], end: int, client: bool
) -> None:
    data = bytearray(talk(*values))
    for place, byte in changes:
        data[place % len(data)] = byte

    async def run() -> None:
        ours, theirs = socket.socketpair()
        with ours:
            ours.sendall(data[: end or len(data)])
            ours.shutdown(socket.SHUT_WR)
            connection = Connection(client=client, answer=Methods({"/a/Echo": echo}).answer)
            await connection.run(theirs.detach(), b"")

    asyncio.run(run())
