"""Events as they come, for all who follow them: one watch, one query, however many followers.

The kernel tells when the database's log was written to (see `engine.events`); the rows that are new
are read once and kept for a while, and each follower takes them from there at its own pace. One
that has fallen behind reads the database, so nobody misses any.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

from wherry.linux.inotify import Change, Inotify
from wherry.store.database import DatabaseFailed
from wherry.store.events import Event, events_after
from wherry.store.store import Store

_KEPT = 1024
_MOMENT = 0.002  # seconds


class News:
    """To be used in the event loop alone; reading the new rows takes microseconds."""

    def __init__(self, root: Path, run: Path) -> None:
        self._store = Store(root, run)
        self._recent: deque[Event] = deque(maxlen=_KEPT)
        self._last = 0
        self._inotify: Inotify | None = None
        self._change = asyncio.Event()
        self._settling: asyncio.TimerHandle | None = None

    def now(self) -> int:
        """The number of the last event: `follow` it to see everything that happens from here."""
        if self._inotify is None:
            self._start()
        self._read()
        return self._last

    def _start(self) -> None:
        connection = self._store.database.connection  # and with it the log is there
        connection.execute("PRAGMA busy_timeout=0")  # the loop waits for nobody
        (last,) = connection.execute("SELECT max(number) FROM events").fetchone()
        self._last = last or 0
        inotify = Inotify()
        inotify.watch(self._store.root / "wherry.db-wal", Change.MODIFY)
        asyncio.get_running_loop().add_reader(inotify.descriptor, self._changed)
        self._inotify = inotify

    def _changed(self) -> None:
        assert self._inotify is not None
        list(self._inotify.changes())
        self._read()
        self._settle()

    def _settle(self) -> None:
        """Read once more when nobody is writing.

        The log is written to before what was written can be read, so the last look may have been
        too early, and nothing tells when it is not any more.
        """
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        connection = self._store.database.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
        except DatabaseFailed:
            loop = asyncio.get_running_loop()
            self._settling = loop.call_later(_MOMENT, self._settle)
            return
        try:
            self._read()
        finally:
            connection.execute("ROLLBACK")

    def _read(self) -> None:
        before = self._last
        for event in events_after(self._store, self._last):
            self._last = event.number
            self._recent.append(event)
        if self._last != before:
            self._change.set()
            self._change = asyncio.Event()

    def _after(self, number: int) -> list[Event]:
        if self._recent and self._recent[0].number <= number + 1:
            return [event for event in self._recent if event.number > number]
        return list(events_after(self._store, number))

    async def follow(self, number: int, *, stop_at: int | None = None) -> AsyncIterator[Event]:
        """Every event after the one called `number`; for ever, or to the one called `stop_at`."""
        while stop_at is None or number < stop_at:
            change = self._change
            if number < self._last:
                for event in self._after(number):
                    number = event.number
                    yield event
            else:
                await change.wait()
