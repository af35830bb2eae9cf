"""Signals that a shim gets, turned into something its loop can wait for."""

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress

from wherry.shim.loop import READ, Loop


def watch_signals(loop: Loop, handlers: Mapping[signal.Signals, Callable[[], None]]) -> int:
    """Call a handler, from the loop, when its signal has arrived; the descriptor it watches."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    owner = os.getpid()

    def note(number: int, _frame: object) -> None:
        # A forked child has our handlers and our pipe until it executes something.
        if os.getpid() == owner:
            with suppress(BlockingIOError):
                os.write(writer, bytes((number,)))

    def ready(_events: int) -> None:
        for number in set(os.read(reader, 512)):
            handlers[signal.Signals(number)]()

    for number in handlers:
        signal.signal(number, note)
    loop.watch(reader, READ, ready)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)  # what came since our keeper forked us
    return reader
