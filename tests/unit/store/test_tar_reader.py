"""wherry.store.tar: archives that are broken, or made to be read in two ways."""

import io
import tarfile

import pytest

from wherry.store.tar.entry import InvalidArchive, Kind, TarEntry
from wherry.store.tar.pax import format_records, format_time, parse_records, parse_time
from wherry.store.tar.reader import TarReader
from wherry.store.tar.writer import END, format_header, padding


def read(data: bytes) -> list[TarEntry]:
    return list(TarReader([data]))


def raw(name: bytes, data: bytes = b"", kind: bytes = Kind.FILE) -> bytes:
    header = format_header(TarEntry(name, kind, stored=len(data), size=len(data)))
    return header + data + padding(len(data))


def pax(*records: tuple[str, bytes], kind: bytes = Kind.EXTENDED) -> bytes:
    return raw(b"PaxHeaders/x", format_records(records), kind)


@pytest.mark.parametrize("count", [1, 511, 513, 600])
def test_an_early_end_is_an_error(count: int) -> None:
    with pytest.raises(InvalidArchive, match="unexpected EOF"):
        read(raw(b"file", b"x" * 100)[:count])


def test_an_archive_may_end_without_its_zeros_and_nothing_is_one_too() -> None:
    assert [entry.name for entry in read(raw(b"a"))] == [b"a"]
    assert read(b"") == read(END) == []


@pytest.mark.parametrize(
    "data",
    [
        b"not an archive".ljust(512, b"!"),
        bytes(512) + raw(b"x"),
        raw(b"x", b"12 path=", Kind.EXTENDED) + raw(b"y"),
        raw(b"x", b"9999 path=x\n", Kind.EXTENDED) + raw(b"y"),
        raw(b"x", b"-1 path=x\n", Kind.EXTENDED) + raw(b"y"),
        pax(("size", b"-1")) + raw(b"y"),
        pax(("size", b"1e3")) + raw(b"y"),
        pax(("size", b"99999999999999999999")) + raw(b"y"),
        pax(("path", b"a\0b")) + raw(b"y"),
        pax(("mtime", b"yesterday")) + raw(b"y"),
        pax(("size", b"3"), kind=Kind.GLOBAL) + raw(b"y"),
        pax(("path", b"other"), kind=Kind.GLOBAL) + raw(b"y"),
        pax(("GNU.sparse.map", b"0,1,2"), ("GNU.sparse.size", b"5")) + raw(b"y"),
        pax(("GNU.sparse.map", b"5,1,0,1"), ("GNU.sparse.size", b"9")) + raw(b"y", b"ab"),
        pax(("GNU.sparse.map", b"0,9"), ("GNU.sparse.size", b"5")) + raw(b"y", b"123456789"),
        pax(("GNU.sparse.map", b"0,1"), ("GNU.sparse.size", b"5")) + raw(b"y", b"ab"),
        pax(("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0")) + raw(b"y", b"9" * 512),
    ],
)
def test_a_broken_header_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidArchive, match="invalid tar header"):
        read(data)


def test_a_header_that_claims_too_much_is_refused_before_it_is_read() -> None:
    huge = TarEntry(b"x", Kind.EXTENDED, stored=1 << 32)
    with pytest.raises(InvalidArchive, match="extended header of"):
        read(format_header(huge))


def test_a_size_is_read_where_go_reads_it() -> None:
    # The extended header outdoes the plain one: else a reader would see `inner` as an entry.
    hidden = raw(b"inner")
    data = pax(("size", b"%d" % len(hidden))) + raw(b"outer") + hidden + raw(b"next")
    assert [entry.name for entry in read(data)] == [b"outer", b"next"]


def test_a_link_has_no_data_whatever_its_size_says() -> None:
    sized = format_header(TarEntry(b"l", Kind.SYMLINK, link=b"t", stored=512))
    assert [entry.name for entry in read(sized + raw(b"next"))] == [b"l", b"next"]


def test_a_global_header_holds_until_it_is_taken_away() -> None:
    data = (
        pax(("uid", b"7"), kind=Kind.GLOBAL)
        + raw(b"a")
        + pax(("uid", b""))
        + raw(b"b")
        + pax(("uid", b"8"))
        + raw(b"c")
    )
    assert [entry.uid for entry in read(data)] == [7, 0, 8]


def test_numbers_too_large_for_octal_are_read_in_base_256() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        info = tarfile.TarInfo("x")
        info.uid, info.gid, info.mtime = 3_000_000, 4_000_000_000, -5
        tar.addfile(info)
    (entry,) = read(buffer.getvalue())
    assert (entry.uid, entry.gid, entry.mtime_ns) == (3_000_000, 4_000_000_000, -5_000_000_000)


@pytest.mark.parametrize("text", [b"0", b"1.5", b"-1.000000001", b"1000000000.123456789"])
def test_times_keep_every_digit(text: bytes) -> None:
    assert parse_time(format_time(parse_time(text))) == parse_time(text)
    assert parse_time(b"1.9999999999") == 1_999_999_999


@pytest.mark.parametrize("length", [1, 5, 90, 95, 96, 97, 990, 9990, 99_990])
def test_a_record_counts_its_own_length(length: int) -> None:
    assert parse_records(format_records([("k", b"v" * length)])) == [("k", b"v" * length)]
