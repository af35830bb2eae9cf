"""What blocks, beside the event loop: files in threads, pipes when there is room in them."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What it returns. It has ended when this has, also where that was cancelled: what it works
    with, descriptors above all, may then be let go of.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        work.exception()  # which nobody hears of any more
        raise


async def write_pipe(pipe: int, data: bytes) -> None:
    """Write all of it, for as long as it takes; raises BrokenPipeError where nobody reads on."""
    os.set_blocking(pipe, False)
    loop = asyncio.get_running_loop()
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(pipe, rest) :]
        except BlockingIOError:
            has_room = asyncio.Event()
            loop.add_writer(pipe, has_room.set)
            try:
                await has_room.wait()
            finally:
                loop.remove_writer(pipe)
