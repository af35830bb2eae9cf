"""The metadata database: SQLite in WAL mode, one file under the root folder.

Readers never wait. A writer takes the write lock at once (BEGIN IMMEDIATE), so that two
writers queue instead of failing half-way, and keeps its transaction short. WAL with
synchronous=NORMAL survives a kill at any moment; a power cut may lose the last transactions
but never half of one, https://www.sqlite.org/pragma.html#pragma_synchronous.

Each module of this package that keeps rows has its tables in a constant `SCHEMA`. What any start
loads takes `_sqlite3`: all that `sqlite3` adds are values of `datetime`, which we have none of.
"""

import _sqlite3 as sqlite3
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wherry.errors import Internal
from wherry.linux.locks import locked_by_name
from wherry.store import schema
from wherry.typed import Any, Self

BUSY_TIMEOUT_SECONDS = 30.0
_CALLERS = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
_MAYBE_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
_ROOM = 64 << 10
_TICK = 2_100_000_000  # nanoseconds; some filesystems tell times in steps of two seconds
_REASONS = {
    sqlite3.SQLITE_FULL: "no space left on device",
    sqlite3.SQLITE_NOTADB: "the file is damaged: it is no database",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_READONLY: "read-only file system",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
}


class SchemaTooNew(Internal):
    def __init__(self, path: Path, found: int) -> None:
        super().__init__(
            f"{path} has schema version {found}; this Wherry knows {schema.VERSION}",
            hint="upgrade Wherry, or choose another folder with --root",
        )


class SchemaTooOld(Internal):
    def __init__(self, path: Path, found: int) -> None:
        super().__init__(
            f"{path} has schema version {found}, of an earlier Wherry; this one has"
            f" {schema.VERSION}",
            hint="move its folder away to start with nothing, or choose another with --root",
        )


class DatabaseFailed(Internal):
    """The file cannot be read or written; `full` when there is no room on its disk."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is SQLite's finer print
        if code in _MAYBE_FULL and not _has_room(path):
            code = sqlite3.SQLITE_FULL
        self.full = code == sqlite3.SQLITE_FULL
        damaged = code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
        super().__init__(
            f"{path}: {_REASONS.get(code) or error}",
            hint="bring it back from a backup, or move it away to start with nothing"
            if damaged
            else "",
        )


def _has_room(path: Path) -> bool:
    """Whether SQLite could make the files that it needs beside `path`."""
    try:
        disk = os.statvfs(path)
    except OSError:
        return True
    return disk.f_bavail * disk.f_frsize >= _ROOM


class _Cursor(sqlite3.Cursor):
    """One whose errors are this program's, but for those of a statement or a constraint."""

    connection: "_Connection"

    def execute(self, *arguments: Any) -> Self:
        with _Translated(self.connection.path):
            return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> Self:
        with _Translated(self.connection.path):
            return super().executemany(*arguments)

    def fetchone(self) -> Any:
        with _Translated(self.connection.path):
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        with _Translated(self.connection.path):
            return super().fetchall()

    def __next__(self) -> Any:
        with _Translated(self.connection.path):
            return super().__next__()


class _Connection(sqlite3.Connection):
    path: Path
    frozen: bool = False  # it shows the file as it was when there was no room on its disk

    def __del__(self) -> None:
        # With an engine that nobody closes goes its connection, of which Python 3.13 would warn.
        # In another thread than its own it may not be closed.
        with suppress(sqlite3.ProgrammingError):
            self.close()

    # SQLite's own shortcuts make a plain cursor, whatever the class has.
    def execute(self, *arguments: Any) -> _Cursor:
        return self.cursor(_Cursor).execute(*arguments)

    def executemany(self, *arguments: Any) -> _Cursor:
        return self.cursor(_Cursor).executemany(*arguments)


class _Translated:
    """Raises DatabaseFailed in place of what SQLite says of its file."""

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, _CALLERS):
            raise DatabaseFailed(self.path, error) from error


def state_of_log(path: Path) -> tuple[int, int, int] | None:
    """As long as this is the same, nobody has committed to the database at `path`.

    A question for those who have it not open: every commit writes to the log beside it, and that
    sets its time. None if that cannot be told: there is no log, or somebody might write to it
    yet within the tick of the clock that it was last written in.
    """
    try:
        found = os.stat(f"{path}-wal")
    except OSError:
        return None
    if abs(time.time_ns() - found.st_mtime_ns) < _TICK:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class Database:
    """A connection of this process, opened on first use. Close it before a fork."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: _Connection | None = None
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
        if self._connection is not None and self._connection.frozen:
            self.close()  # there may be room by now
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            # A full disk may have rolled it back already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @property
    def is_open(self) -> bool:
        return self._connection is not None

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

    @property
    def moment(self) -> tuple[sqlite3.Connection, int, int]:
        """What was read still holds while this is the same: nobody has committed since.

        A question to the kernel, not to the file: a tenth of what a small query takes.
        """
        connection = self.connection
        with _Translated(self.path):
            # By SQLite's plain cursor, since this is for who asks often.
            cursor = sqlite3.Connection.execute(connection, "PRAGMA data_version")
            (version,) = cursor.fetchone()
        return connection, version, connection.total_changes

    def settled_state(self) -> tuple[int, int, int] | None:
        """`state_of_log`, or None if somebody is just committing: the log is written first."""
        connection = self.connection
        connection.execute("PRAGMA busy_timeout=0")
        try:
            connection.execute("BEGIN IMMEDIATE")
        except (DatabaseFailed, sqlite3.OperationalError):
            return None
        else:
            state = state_of_log(self.path)
            connection.execute("ROLLBACK")
            return state
        finally:
            connection.execute(f"PRAGMA busy_timeout={round(BUSY_TIMEOUT_SECONDS * 1000)}")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _open(path: Path) -> _Connection:
    connection = _connected(path)
    try:
        _prepare(connection)
    except DatabaseFailed as error:
        connection.close()
        if not error.full or _has_log(path):
            raise
        # Even readers need a file beside it, which there is no room for. So nobody can be
        # writing either, and what there is can be read as it is.
        from urllib.parse import quote  # 10 ms that only this takes

        return _connected(path, f"file:{quote(os.fspath(path))}?immutable=1")
    except BaseException:
        connection.close()
        raise
    return connection


def _has_log(path: Path) -> bool:
    """Whether some of what was committed is not in the database's own file yet."""
    try:
        return os.stat(f"{path}-wal").st_size > 0
    except FileNotFoundError:
        return False


def _connected(path: Path, uri: str = "") -> _Connection:
    with _Translated(path):
        connection = sqlite3.connect(
            uri or path,
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            factory=_Connection,
            uri=bool(uri),
        )
    connection.path = path
    connection.frozen = bool(uri)
    connection.row_factory = sqlite3.Row
    return connection


def _prepare(connection: _Connection) -> None:
    with _Translated(connection.path):
        connection.executescript("PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;")
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found == 0:
        found = _create_tables(connection)
    if found > schema.VERSION:
        raise SchemaTooNew(connection.path, found)
    if found < schema.VERSION:
        raise SchemaTooOld(connection.path, found)


def _create_tables(connection: _Connection) -> int:
    """Make a new database, unless another process has meanwhile; its version.

    To begin a log SQLite needs the file for itself, and fails at once where two want that: a lock
    of our own has them wait for each other.
    """
    with locked_by_name(f"{connection.path}-new"):
        connection.execute("PRAGMA journal_mode=WAL")  # the file remembers it
        connection.execute("BEGIN IMMEDIATE")
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found == 0:
            for statement in schema.statements():
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={schema.VERSION}")
        connection.execute("COMMIT")
    return int(found) or schema.VERSION
