"""Packages out of rpm's database."""

import sqlite3
import struct
from contextlib import closing

from wherry.engine.images.rpm_database import packages_of

STRING, NUMBER = 6, 4


def _header(*entries: tuple[int, int, bytes]) -> bytes:
    data, index = b"", b""
    for tag, kind, value in entries:
        index += struct.pack(">IIII", tag, kind, len(data), 1)
        data += value
    return struct.pack(">II", len(entries), len(data)) + index + data


HTTPD = _header(
    (1000, STRING, b"httpd\0"),
    (1003, NUMBER, struct.pack(">I", 1)),
    (1001, STRING, b"2.4.57\0"),
    (1002, STRING, b"5.el9\0"),
)


def _database(
    *blobs: bytes | str, schema: str = "TABLE Packages (hnum INTEGER, blob BLOB)"
) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection, connection:
        connection.execute(f"CREATE {schema}")
        for blob in blobs:
            connection.execute("INSERT INTO Packages VALUES (1, ?)", (blob,))
        connection.commit()
        return connection.serialize()


def test_a_package_has_its_version_and_release() -> None:
    data = _database(HTTPD)

    assert dict(packages_of(data)) == {"httpd": "2.4.57-5.el9"}
    # As rpm leaves it: made for a log beside it.
    assert dict(packages_of(data[:18] + b"\2\2" + data[20:])) == {"httpd": "2.4.57-5.el9"}


def test_what_is_no_database_or_no_header_has_none() -> None:
    cut = [HTTPD[:at] for at in range(0, len(HTTPD) - 6, 3)]
    endless = "VIEW Packages AS WITH RECURSIVE t(blob) AS (SELECT x'' UNION ALL SELECT x'' FROM t)"

    assert list(packages_of(b"")) == list(packages_of(b"x" * 4096)) == []
    assert list(packages_of(_database("text", b"", b"\xff" * 40, *cut))) == []
    assert list(packages_of(_database(schema=f"{endless} SELECT blob FROM t"))) == []
    assert list(packages_of(_database(HTTPD)[:5000])) in ([], [("httpd", "2.4.57-5.el9")])
