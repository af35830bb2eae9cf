"""Headers of a tar archive, as Docker's archives have them.

A header is plain ustar as long as everything fits; otherwise a POSIX extended header goes before
it with what does not: long or non-ASCII names, large numbers, extended attributes, sparse maps
(GNU's PAX format 1.0). Times are cut to seconds and owners go by number, as in Docker's layers.
"""

from collections.abc import Iterable
from zlib import adler32

from wherry.store.tar.entry import BLOCK, Kind, TarEntry
from wherry.store.tar.numbers import byte_sum, fits_octal, format_octal
from wherry.store.tar.pax import XATTR_PREFIX, format_records, format_time

END = bytes(2 * BLOCK)
_SECOND = 1_000_000_000
_CHECKSUM_SPACES = b"        "
_USTAR = b"ustar\x0000"
# With so few bytes of names the sum of a header cannot reach the modulus of adler-32.
_SHORT = 150


def format_header(entry: TarEntry, *, nanoseconds: bool = False) -> bytes:
    """The blocks that announce `entry`; `entry.stored` bytes of data and `padding` follow.

    For a sparse entry the blocks include its map. With `nanoseconds` the time is kept whole.
    """
    name, link = entry.name, entry.link
    seconds = entry.mtime_ns // _SECOND
    sparse_map = b"" if entry.segments is None else _sparse_map(entry)
    stored = entry.stored + len(sparse_map)
    fraction = nanoseconds and entry.mtime_ns % _SECOND != 0
    plain = (
        not fraction
        and len(name) <= 100
        and len(link) <= 100
        and name.isascii()
        and link.isascii()
        and not entry.xattrs
        and not sparse_map
        and entry.uid < 1 << 21
        and entry.gid < 1 << 21
        and fits_octal(stored, 12)
        and fits_octal(seconds, 12)
    )
    if plain:
        return _block(entry, name, link, entry.uid, entry.gid, stored, seconds)
    records = _records(entry, stored, seconds)
    if fraction:
        records = [record for record in records if record[0] != "mtime"]
        records.append(("mtime", format_time(entry.mtime_ns)))
    if sparse_map:
        above, _, base = name.rpartition(b"/")
        name = (above + b"/" if above else b"") + b"GNUSparseFile.0/" + base
    return (
        _extended(entry.name, records)
        + _block(
            entry,
            _ascii(name)[:100],
            _ascii(link)[:100],
            entry.uid if fits_octal(entry.uid, 8) else 0,
            entry.gid if fits_octal(entry.gid, 8) else 0,
            stored if fits_octal(stored, 12) else 0,
            seconds if fits_octal(seconds, 12) else 0,
        )
        + sparse_map
    )


def padding(stored: int) -> bytes:
    """What fills the last block of an entry's data."""
    return bytes(-stored % BLOCK)


def _block(
    entry: TarEntry, name: bytes, link: bytes, uid: int, gid: int, stored: int, seconds: int
) -> bytes:
    head = b"%s%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        name.ljust(100, b"\0"),
        entry.mode & 0o7777,
        uid,
        gid,
        stored,
        seconds,
    )
    tail = b"%s%s%s%s%s%s%s" % (
        entry.kind,
        link.ljust(100, b"\0"),
        _USTAR,
        entry.user[:31].ljust(32, b"\0"),
        entry.group[:31].ljust(32, b"\0"),
        format_octal(entry.major, 8),
        format_octal(entry.minor, 8),
    )
    block = (head + _CHECKSUM_SPACES + tail).ljust(BLOCK, b"\0")
    if len(name) + len(link) + len(entry.user) + len(entry.group) <= _SHORT:
        total = (adler32(block) & 0xFFFF) - 1  # a sum in C; see numbers.checksum_matches
    else:
        total = byte_sum(block)
    return b"%s%06o\0 %s" % (block[:148], total, block[156:])


def _records(entry: TarEntry, stored: int, seconds: int) -> list[tuple[str, bytes]]:
    records = [(XATTR_PREFIX + key, value) for key, value in (entry.xattrs or {}).items()]
    if entry.segments is not None:
        records += [
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", entry.name),
            ("GNU.sparse.realsize", b"%d" % entry.size),
        ]
    elif len(entry.name) > 100 or not entry.name.isascii():
        records.append(("path", entry.name))
    if len(entry.link) > 100 or not entry.link.isascii():
        records.append(("linkpath", entry.link))
    for key, value, width in (
        ("uid", entry.uid, 8),
        ("gid", entry.gid, 8),
        ("size", stored, 12),
        ("mtime", seconds, 12),
    ):
        if not fits_octal(value, width):
            records.append((key, b"%d" % value))
    return records


def _extended(name: bytes, records: Iterable[tuple[str, bytes]]) -> bytes:
    data = format_records(records)
    above, _, base = name.rstrip(b"/").rpartition(b"/")
    called = _ascii((above + b"/" if above else b"") + b"PaxHeaders.0/" + base)[:100].rstrip(b"/")
    header = TarEntry(called, Kind.EXTENDED, mode=0)
    return _block(header, called, b"", 0, 0, len(data), 0) + data + padding(len(data))


def _sparse_map(entry: TarEntry) -> bytes:
    segments = entry.segments or []
    lines = [b"%d\n" % len(segments)]
    lines += [b"%d\n%d\n" % segment for segment in segments]
    data = b"".join(lines)
    return data + padding(len(data))


def _ascii(name: bytes) -> bytes:
    return name if name.isascii() else bytes(byte for byte in name if byte < 0x80)
