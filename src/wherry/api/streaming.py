"""Answers that are made while they are sent: a thread makes the pieces, the loop sends them.

The thread makes a piece when the last one is on its way, so a slow client costs its thread's time
and the size of a piece. When the client goes away the thread learns it with its next piece, or at
once if it watches the descriptor `stop`.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import BinaryIO

from wherry.api import web
from wherry.api.call import Call
from wherry.api.errors import BEGUN
from wherry.api.headers import COMMON
from wherry.engine.engine import Engine
from wherry.errors import WherryError
from wherry.linux.files import write_all

Produce = Callable[[Engine, int], Iterator[bytes]]
Tell = Callable[[bytes], None]


class Stop:
    """A descriptor that can be read once nobody wants more."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._lock = threading.Lock()
        self._closed = False

    def set(self) -> None:
        with self._lock:
            if not self._closed:
                os.eventfd_write(self.descriptor, 1)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            os.close(self.descriptor)


async def begin(call: Call, headers: Mapping[str, str], status: int = 200) -> web.StreamResponse:
    """Send the head of an answer; its body follows in pieces."""
    response = web.StreamResponse(status=status, headers={**COMMON, **headers})
    call.http[BEGUN] = True
    await response.prepare(call.http)
    return response


async def stream(
    call: Call,
    headers: Mapping[str, str],
    produce: Produce,
    *,
    at_once: bool = False,
    failed: Callable[[WherryError], bytes] | None = None,
) -> web.StreamResponse:
    """Send what `produce` makes; see `stream_told`."""
    stop = Stop()

    def work(engine: Engine, tell: Tell) -> None:
        try:
            pieces = produce(engine, stop.descriptor)
            try:
                for piece in pieces:
                    tell(piece)
            finally:
                if (close := getattr(pieces, "close", None)) is not None:
                    close()
        finally:
            stop.close()

    return await stream_told(call, headers, work, stop.set, at_once=at_once, failed=failed)


async def stream_told(
    call: Call,
    headers: Mapping[str, str],
    work: Callable[[Engine, Tell], None],
    cancel: Callable[[], None],
    *,
    at_once: bool = False,
    failed: Callable[[WherryError], bytes] | None = None,
) -> web.StreamResponse:
    """Send what `work` tells, from whichever thread; `cancel` is called when the client goes.

    An error before the first piece is the answer's status, unless the head is sent `at_once`; one
    after it ends the connection, or is sent as `failed` words it.
    """
    loop = asyncio.get_running_loop()
    response = await begin(call, headers) if at_once else None
    gone = False

    async def send(piece: bytes) -> None:
        nonlocal response
        if gone:
            raise ConnectionResetError
        if response is None:
            response = await begin(call, headers)
        await response.write(piece)

    def tell(piece: bytes) -> None:
        asyncio.run_coroutine_threadsafe(send(piece), loop).result()

    try:
        await call.do_alone(work, tell)
    except asyncio.CancelledError:
        gone = True
        cancel()
        raise
    except WherryError as error:
        if response is None or failed is None:
            raise
        await response.write(failed(error))
    if response is None:
        response = await begin(call, headers)
    await response.write_eof()
    return response


@contextmanager
def body_file(call: Call) -> Iterator[BinaryIO]:
    """The request's body as a pipe, for readers that want a real file; used in a thread."""
    reader, writer = os.pipe2(os.O_CLOEXEC)

    def copy() -> None:
        # A reader that has seen enough closes its end; the rest is nobody's.
        with suppress(OSError, ConnectionError), open(writer, "wb", buffering=0) as file:
            for piece in body_chunks(call):
                write_all(file.fileno(), piece)

    thread = threading.Thread(target=copy, name="wherry-api-body", daemon=True)
    with open(reader, "rb", buffering=0) as file:
        thread.start()
        yield file


def body_chunks(call: Call) -> Iterator[bytes]:
    """The request's body for a thread, piece by piece as it comes in."""
    pieces = call.body()
    loop = call.service.loop

    async def following() -> bytes:
        return await anext(pieces, b"")

    while piece := asyncio.run_coroutine_threadsafe(following(), loop).result():
        yield piece
