"""The metadata database: SQLite in WAL mode, one file under the root folder.

Readers never wait. A writer takes the write lock at once (BEGIN IMMEDIATE), so that two
writers queue instead of failing half-way, and keeps its transaction short. WAL with
synchronous=NORMAL survives a kill at any moment; a power cut may lose the last transactions
but never half of one, https://www.sqlite.org/pragma.html#pragma_synchronous.

Each module of this package that keeps rows has its tables in a constant `SCHEMA`.
"""

import fcntl
import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wherry.errors import Internal
from wherry.store import schema

BUSY_TIMEOUT_SECONDS = 30.0
# Where SQLite locks, os.h and wal.c.
_SHARED_FIRST = 0x40000002
_SHARED_SIZE = 510
_DEAD_MAN_SWITCH = 128
_LOCK = struct.Struct("@hhqqi4x")  # struct flock


class SchemaTooNew(Internal):
    def __init__(self, path: Path, found: int) -> None:
        super().__init__(
            f"{path} has schema version {found}; this Wherry knows {schema.VERSION}",
            hint="upgrade Wherry, or choose another folder with --root",
        )


class Database:
    """A connection of this process, opened on first use. Close it before a fork."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, in autocommit mode, for reading. Rows are `sqlite3.Row`."""
        if self._connection is None:
            self._connection = _open(self.path)
            found = self.path.stat()
            self._identity = (found.st_dev, found.st_ino)
        return self._connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: committed at the end of the block, rolled back if it raises."""
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    @property
    def is_in_place(self) -> bool:
        """Whether the file at `path` is still the one that the connection is to."""
        if self._connection is None:
            return True
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def hold_open(database: Database) -> None:
    """Keep the log of `database` in place until this process and its forks have ended.

    The last connection to go writes the log back, removes it and syncs; the next one makes it
    anew. Where processes come and go, each would. What an idle connection holds, shared locks on
    the file and on the log's index, prevents that, and unlike a connection an open file
    description's locks (fcntl(2)) can be carried across forks. https://www.sqlite.org/walformat.html
    """
    _ = database.connection  # both files are there and valid
    for path, start, length in (
        (database.path, _SHARED_FIRST, _SHARED_SIZE),
        (database.path.with_name(f"{database.path.name}-shm"), _DEAD_MAN_SWITCH, 1),
    ):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        lock = _LOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, start, length, 0)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)
        except OSError:  # a file system without them
            os.close(descriptor)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
    )
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > schema.VERSION:
        connection.close()
        raise SchemaTooNew(path, found)
    if found < schema.VERSION:
        _create_tables(connection)
    return connection


def _create_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN EXCLUSIVE")
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found < schema.VERSION:  # not made meanwhile by another process
        for statement in schema.statements():
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={schema.VERSION}")
    connection.execute("COMMIT")
