"""The packages in a database of rpm's, as an image has it: SQLite, one header a package.

    4 bytes  entries   4 bytes  size of the data
    16 bytes an entry: tag, type, offset into the data, count; all numbers are big-endian
    data     strings end with a zero

The older forms (Berkeley DB, and SUSE's own) are not read.
"""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing

PATHS = ("usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite")
_NAME, _VERSION, _RELEASE = 1000, 1001, 1002
_STRING = 6
_INTRODUCTION = struct.Struct(">II")
_ENTRY = struct.Struct(">IIII")
_MOST_STEPS = 10_000_000  # of SQLite's machine; a database of a thousand packages takes some 10,000
_IS_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'Packages'"


def packages_of(data: bytes) -> Iterator[tuple[str, str]]:
    """Names with `version-release`; none where it is no such database."""
    # The form for a log beside it, which is not there, is the other one but for two bytes.
    plain = data[:18] + b"\1\1" + data[20:]
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.deserialize(plain)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.set_progress_handler(lambda: 1, _MOST_STEPS)
            if connection.execute(_IS_TABLE).fetchone() is None:
                return  # a view could ask for anything
            rows = connection.execute("SELECT blob FROM Packages")
            headers = [blob for (blob,) in rows if isinstance(blob, bytes)]
        except sqlite3.Error:
            return
    for header in headers:
        tags = dict(_strings(header))
        if all(tag in tags for tag in (_NAME, _VERSION, _RELEASE)):
            yield tags[_NAME], f"{tags[_VERSION]}-{tags[_RELEASE]}"


def _strings(header: bytes) -> Iterator[tuple[int, str]]:
    if len(header) < _INTRODUCTION.size:
        return
    count, _ = _INTRODUCTION.unpack_from(header)
    start = _INTRODUCTION.size + count * _ENTRY.size
    if start > len(header):
        return
    for tag, kind, offset, _ in _ENTRY.iter_unpack(header[_INTRODUCTION.size : start]):
        end = header.find(b"\0", start + offset)
        if kind == _STRING and end >= 0:
            yield tag, header[start + offset : end].decode("utf-8", "replace")
