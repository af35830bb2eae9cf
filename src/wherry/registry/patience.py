"""How long to wait for a registry, how often to try again, and how to be called off."""

import random
from threading import Event, RLock
from typing import Protocol

from wherry.errors import Conflict
from wherry.values import dataclass


class Cancelled(Conflict):
    def __init__(self) -> None:
        super().__init__("context canceled")


class Closable(Protocol):
    def shutdown(self) -> None: ...


class Cancellation:
    """A switch that several transfers share. Whatever they wait for, they end at once."""

    def __init__(self) -> None:
        self._event = Event()
        # A signal's handler may cancel while the same thread is in here.
        self._lock = RLock()
        self._open: set[Closable] = set()

    def cancel(self) -> None:
        """Wake whoever waits on the network or for another try."""
        with self._lock:
            self._event.set()
            waiting, self._open = self._open, set()
        for each in waiting:
            each.shutdown()

    def check(self) -> None:
        """Raise Cancelled if it was."""
        if self._event.is_set():
            raise Cancelled

    def pause(self, seconds: float) -> None:
        """Wait; Cancelled as soon as it is."""
        if self._event.wait(seconds):
            raise Cancelled

    def watch(self, answer: Closable) -> None:
        """Shut `answer` down when it is time to stop."""
        with self._lock:
            self.check()
            self._open.add(answer)

    def forget(self, answer: Closable) -> None:
        with self._lock:
            self._open.discard(answer)


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """Seconds and numbers. `stall` bounds the wait for the next byte, never a whole transfer.

    A line that brings less than `least` bytes in each `window` is as good as broken.
    """

    connect: float = 15.0
    stall: float = 30.0
    window: float = 60.0
    least: int = 6000
    document: float = 60.0  # for all of a manifest, a token or an error
    attempts: int = 5
    first_delay: float = 0.5
    longest_delay: float = 10.0
    longest_retry_after: float = 60.0

    def delay(self, attempt: int, asked: float | None = None) -> float:
        """How long to wait after try number `attempt`; `asked` is the server's Retry-After."""
        if asked is not None:
            return min(max(asked, 0.0), self.longest_retry_after)
        # Half of it at random: many that were refused together should not return together.
        whole = min(self.first_delay * float(1 << (attempt - 1)), self.longest_delay)
        return whole * random.uniform(0.5, 1.0)
