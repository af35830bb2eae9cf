"""A single-threaded loop over epoll(7): descriptors with handlers, and timers."""

import heapq
import select
import time
from collections.abc import Callable
from itertools import count

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
HANG_UP = select.EPOLLHUP | select.EPOLLERR

Handler = Callable[[int], None]  # takes what is ready


class Timer:
    """A call to come; `cancel` it as long as it has not."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class Loop:
    """Runs until stopped. A handler may watch, change and forget any descriptor, its own too."""

    def __init__(self) -> None:
        self._epoll = select.epoll(flags=select.EPOLL_CLOEXEC)
        self._handlers: dict[int, Handler] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = count()
        self._stopped = False
        self.handled = 0  # how often something was ready

    @property
    def watched(self) -> set[int]:
        """The descriptors that have handlers."""
        return set(self._handlers)

    @property
    def timers(self) -> list[Timer]:
        """The calls to come."""
        return [timer for _, _, timer in self._timers if timer.call is not None]

    def watch(self, descriptor: int, events: int, handler: Handler) -> None:
        self._epoll.register(descriptor, events)
        self._handlers[descriptor] = handler

    def change(self, descriptor: int, events: int) -> None:
        """Wait for other events; with 0 only for its end."""
        self._epoll.modify(descriptor, events)

    def forget(self, descriptor: int) -> None:
        """No longer watch `descriptor`, which is still open."""
        if self._handlers.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        timer = Timer(time.monotonic() + seconds, call)
        heapq.heappush(self._timers, (timer.when, next(self._numbers), timer))
        return timer

    def stop(self) -> None:
        self._stopped = True

    def run(self) -> None:
        """Handle what happens until `stop` is called; it can be run again."""
        self._stopped = False
        while not self._stopped:
            for descriptor, events in self._epoll.poll(self._patience()):
                # A handler before it may have closed this one.
                handler = self._handlers.get(descriptor)
                if handler is not None:
                    self.handled += 1
                    handler(events)
            self._run_timers()

    def _patience(self) -> float:
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return -1
        return max(0.0, self._timers[0][0] - time.monotonic())

    def _run_timers(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            call, timer.call = timer.call, None
            if call is not None:
                call()

    def close(self) -> None:
        self._epoll.close()
