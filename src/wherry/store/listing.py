"""What a plain `ps` shows, read without the store: `_sqlite3` alone, for its start in no time.

SQLite itself picks the few values out of the documents; nothing is parsed in Python, and
neither dataclasses nor `json` are loaded.
"""

import fcntl
import os
from _sqlite3 import connect
from struct import pack, unpack

TYPE_CHECKING = False  # importing typing would cost 6 ms
if TYPE_CHECKING:
    from collections.abc import Iterator

_BUSY_TIMEOUT_SECONDS = 30.0
_COLUMNS = (
    "id",
    "name",
    "created",
    "status",
    "json_extract(details, '$.imageName')",
    "json_extract(details, '$.path')",
    "json_extract(details, '$.args')",
    "json_extract(state, '$.startedAt')",
    "json_extract(state, '$.finishedAt')",
    "json_extract(state, '$.exitCode')",
    "json_extract(state, '$.health.status')",
)
_SUPERVISED = ("running", "paused", "restarting")

Row = tuple[str, str, str, str, str, str, "str | None", str | None, str | None, int, str | None]


def container_rows(root: str, run: str, *, all_states: bool) -> "Iterator[Row]":
    """The containers, newest first: ID, name, created, status, image, path, arguments as JSON,
    started, finished (None: never), exit code, health.

    One whose row says that it runs, and whose supervisor is gone, counts as exited.
    """
    path = f"{root}/wherry.db"
    if not os.path.exists(path):
        return
    condition = "" if all_states else f"WHERE status IN {_SUPERVISED}"
    connection = connect(path, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None)
    try:
        query = f"SELECT {', '.join(_COLUMNS)} FROM containers {condition} ORDER BY created DESC"
        for row in connection.execute(query).fetchall():
            values = list(row)
            values[9] = values[9] or 0
            if row[3] in _SUPERVISED and not is_supervised(run, row[0]):
                if not all_states:
                    continue
                values[3] = "exited"
            yield tuple(values)
    finally:
        connection.close()


def is_supervised(run: str, container_id: str) -> bool:
    """Whether a process holds the lock of the container's supervisor, fcntl(2)."""
    try:
        descriptor = os.open(f"{run}/containers/{container_id}/shim.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        wanted = pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, wanted)
    finally:
        os.close(descriptor)
    return bool(unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK)
