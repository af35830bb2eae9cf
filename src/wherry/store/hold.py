"""Keeping the database's log in place between processes that come and go.

The last connection to go writes the log back, removes it and syncs; the next one makes it anew.
Where each command is a process, each would. What an idle connection holds, shared locks on the
file and on the log's index, prevents that; and unlike a connection the locks of an open file
description, fcntl(2), can be carried across forks. https://www.sqlite.org/walformat.html
"""

import fcntl
import os
import struct
from contextlib import suppress

from wherry.store.database import Database

# Where SQLite locks: os.h and wal.c.
_SHARED_FIRST = 0x40000002
_SHARED_SIZE = 510
_DEAD_MAN_SWITCH = 128
_LOCK = struct.Struct("@hhqqi4x")  # struct flock


def hold_open(database: Database) -> None:
    """Keep the log until this process and its forks have ended. Raises what a connection does."""
    _ = database.connection  # both files are there and valid
    path = os.fspath(database.path)
    with suppress(OSError):  # a file system without them: it was worth a try
        _lock_shared(path, _SHARED_FIRST, _SHARED_SIZE)
        _lock_shared(f"{path}-shm", _DEAD_MAN_SWITCH, 1)


def _lock_shared(path: str, start: int, length: int) -> None:
    """Lock a range for reading, on a descriptor that stays open for good."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        lock = _LOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, start, length, 0)
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)
    except OSError:
        os.close(descriptor)
        raise
