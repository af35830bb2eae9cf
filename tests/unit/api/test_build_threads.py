"""What blocks, beside the event loop: cancelled or not, it has ended when the call has."""

import asyncio
import os
import threading

import pytest

from wherry.api.buildkit.threads import in_thread, write_pipe


def test_who_is_cancelled_waits_for_the_thread() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait()
        ended.set()
        raise OSError("too late to matter")

    async def run() -> None:
        task = asyncio.create_task(in_thread(work))
        await asyncio.to_thread(begun.wait)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()

    asyncio.run(run())


def test_a_pipe_is_written_as_it_is_read_and_no_further() -> None:
    async def run() -> None:
        reader, writer = os.pipe()
        data = os.urandom(300_000)
        writing = asyncio.create_task(write_pipe(writer, data))
        assert await asyncio.to_thread(_read, reader, len(data)) == data
        await writing
        os.close(reader)
        with pytest.raises(BrokenPipeError):
            await write_pipe(writer, b"x")
        os.close(writer)

    asyncio.run(run())


def _read(pipe: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += os.read(pipe, 1 << 16)
    return data
