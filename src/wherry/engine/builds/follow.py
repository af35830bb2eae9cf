"""Staying with the command of a RUN: what it writes, its name service, and its end."""

import os
import signal
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress

from wherry.build.executor import Output
from wherry.network.connected import Connected
from wherry.runtime.create import Created
from wherry.shim.loop import READ, Loop
from wherry.shim.networking import Networking
from wherry.store.store import Store
from wherry.values import dataclass

_READ = 1 << 16


@dataclass(frozen=True, slots=True)
class Started:
    """A command that runs, and what is served for its networks."""

    container_id: str
    created: Created
    connected: Connected


def follow(store: Store, started: Started, readers: Mapping[int, int], output: Output) -> int:
    """Hand on what the command writes until it has ended; its exit status.

    `readers` are pipes, each with the number of its stream. Whatever happens, it is not left
    running.
    """
    created = started.created
    try:
        with ExitStack() as undo:
            loop = undo.enter_context(closing(Loop()))
            undo.enter_context(
                closing(Networking(loop, store, started.container_id, started.connected))
            )
            _Following(loop, created.pidfd, readers, output).run()
        _, status = os.waitpid(created.pid, 0)
    except BaseException:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(created.pidfd, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(created.pid, 0)
        raise
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


class _Following:
    def __init__(self, loop: Loop, pidfd: int, readers: Mapping[int, int], output: Output) -> None:
        self._loop = loop
        self._readers = readers
        self._output = output
        loop.watch(pidfd, READ, self._ended)
        for reader in readers:
            loop.watch(reader, READ, lambda _events, reader=reader: self._written(reader))  # type: ignore[misc]

    def run(self) -> None:
        self._loop.run()
        # With its first process the container ends: nobody is left to write then.
        for reader, stream in self._readers.items():
            os.set_blocking(reader, False)
            with suppress(BlockingIOError):
                while data := os.read(reader, _READ):
                    self._output(stream, data)

    def _written(self, reader: int) -> None:
        if data := os.read(reader, _READ):
            self._output(self._readers[reader], data)
        else:
            self._loop.forget(reader)

    def _ended(self, _events: int) -> None:
        self._loop.stop()
