"""Leases: what a writer has in hand, which garbage collection leaves alone.

    with lease_of(store) as lease:
        blob = ingest_blob(lease, chunks, digest=expected)
        layer = register_layer(lease, chunks, parent=below)
        with store.database.write() as connection:
            insert_image(connection, ...)      # from here on the rows keep both

A blob or layer that no row needs yet would be garbage between its arrival and the commit of the
image. A lease is a locked folder under tmp; in it lies what is being staged, and an empty file
for each object in hand. The collector reads these while it holds `tmp/.gate`, and a claim is
made under the same gate, so an object that was found after it was claimed stays. A process that
dies lets go of the lock, and with it of everything.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from wherry.linux.locks import SHARED, locked
from wherry.store.store import Store

_MARK = "claim-"


class Lease:
    """One writer's folder of staged files and claims. Threads may share it."""

    def __init__(
        self, store: Store, folder: Path, trace: Callable[[str], None], prefix: str = ""
    ) -> None:
        self.store = store
        self.folder = folder
        self._prefix = prefix
        # Called with the name of each point after which a kill would leave another state.
        self.trace = trace
        self._numbers = count(1)

    def new_path(self, suffix: str = "") -> Path:
        """A name in the staging folder that nothing has yet."""
        return self.folder / f"{self._prefix}{next(self._numbers)}{suffix}"

    def shared_with(self, process: str) -> "Lease":
        """The same lease for a child of this process, which is to be called `process`."""
        return Lease(self.store, self.folder, self.trace, f"{process}-")

    def claim(self, thing: str) -> None:
        """Keep the object of this name from the collector, whether it exists yet or not."""
        with locked(self.store.root / "tmp" / ".gate", SHARED):
            (self.folder / f"{_MARK}{thing}").touch()


@contextmanager
def lease_of(store: Store, *, trace: Callable[[str], None] | None = None) -> Iterator[Lease]:
    """A lease for the block; what is still staged at its end is removed."""
    with store.staging_folder() as folder:
        yield Lease(store, folder, trace or store.trace)


def claims_in(folder: Path) -> Iterator[str]:
    """The names claimed by the lease whose folder this is."""
    for mark in folder.glob(f"{_MARK}*"):
        yield mark.name.removeprefix(_MARK)
