"""What happens in the engine, as it happens: `events` and its history.

Each event is a row (`store.events`), so history outlives the objects, and there is no process that
would have to hand events round: a follower is woken by the kernel when the database's
write-ahead log changes, and reads the rows that are new to it.
"""

import select
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from wherry.linux.inotify import Change, Inotify
from wherry.store.events import Event, events_after, publish

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.store.store import Store


class Events:
    """The engine's collaborator that records events."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    def publish(self, type_: str, action: str, actor_id: str, attributes: dict[str, str]) -> None:
        """Record that `action` happened to the object of this type and ID."""
        publish(self._store, type_, action, actor_id, attributes)

    def publish_image(
        self, action: str, actor_id: str, name: str, labels: Mapping[str, str]
    ) -> None:
        """The same of an image, whose labels go along: events can be filtered by them."""
        self.publish("image", action, actor_id, {**labels, "name": name})


def follow_events(
    engine: "Engine",
    *,
    since_ns: int | None = None,
    until_ns: int | None = None,
    keep: Callable[[Event], bool] = lambda _event: True,
    follow: bool = True,
) -> Iterator[Event]:
    """Events in order: those since `since_ns`, then new ones until `until_ns`, for ever without.

    Without `since_ns` only new ones. Times are nanoseconds of the wall clock.
    """
    store = engine.store
    number = 0 if since_ns is not None else _last_number(store)
    with Inotify() as inotify:
        log = store.root / "wherry.db-wal"
        _last_number(store)  # opens the database, and with it makes the log
        # Watched before the first read: what is written in between is seen at once.
        inotify.watch(log, Change.MODIFY)
        while True:
            for event in events_after(store, number):
                number = event.number
                if until_ns is not None and event.time_ns > until_ns:
                    return
                if (since_ns is None or event.time_ns >= since_ns) and keep(event):
                    yield event
            if not follow or not _wait(inotify, until_ns):
                return
            settle(store)


def settle(store: "Store") -> None:
    """Wait until whoever is writing has finished.

    The log is written to before what was written can be read: who is woken by it may be too early.
    """
    with store.database.write():
        pass


def _last_number(store: "Store") -> int:
    (number,) = store.database.connection.execute("SELECT max(number) FROM events").fetchone()
    return number or 0


def _wait(inotify: Inotify, until_ns: int | None) -> bool:
    """Whether something changed before `until_ns`."""
    seconds = None if until_ns is None else (until_ns - time.time_ns()) / 1e9
    if seconds is not None and seconds <= 0:
        return False
    ready, _, _ = select.select([inotify.descriptor], [], [], seconds)
    if ready:
        list(inotify.changes())
    return bool(ready)
