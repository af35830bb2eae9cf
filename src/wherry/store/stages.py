"""Stages of a stream beside each other: each in a thread, with a few pieces between them.

isal, zstandard, hashlib and the system calls let go of the GIL while they work, so inflating,
hashing and extracting overlap although all of it is Python.
"""

from collections.abc import Generator, Iterable, Iterator
from typing import Protocol

_PIECES_AHEAD = 4
# A source that blocks (a pipe that its writer keeps open) must not hold up an error.
_PATIENCE_SECONDS = 1.0


class Hash(Protocol):
    """What hashlib's objects have."""

    def update(self, data: bytes, /) -> None: ...


def hashed(pieces: Iterable[bytes], *hashes: Hash) -> Iterator[bytes]:
    """The pieces, each fed to `hashes` on its way."""
    for piece in pieces:
        for each in hashes:
            each.update(piece)
        yield piece


def prefetched(pieces: Iterable[bytes]) -> Generator[bytes, None, None]:
    """The pieces, drawn by a thread of their own a few ahead; its errors are raised here."""
    # Who runs a container has one thread, and spares the imports.
    from queue import SimpleQueue
    from threading import Event, Semaphore, Thread

    ready: SimpleQueue[bytes | BaseException | None] = SimpleQueue()
    room = Semaphore(_PIECES_AHEAD)
    stopped = Event()

    def draw() -> None:
        try:
            for piece in pieces:
                room.acquire()
                if stopped.is_set():
                    return
                ready.put(piece)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the reader raises it
            ready.put(error)
        else:
            ready.put(None)

    thread = Thread(target=draw, daemon=True)
    thread.start()
    try:
        while (piece := ready.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            room.release()
            yield piece
    finally:
        stopped.set()
        room.release()
        thread.join(_PATIENCE_SECONDS)
