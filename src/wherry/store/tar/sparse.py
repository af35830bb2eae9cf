"""Sparse files in the four forms that GNU tar has written them.

    old GNU    type S: four segments in the header, more in blocks of 21 after it
    PAX 0.0    GNU.sparse.offset and GNU.sparse.numbytes, repeated in the extended header
    PAX 0.1    GNU.sparse.map, "offset,length,offset,length,..."; name in GNU.sparse.name
    PAX 1.0    a map of decimal lines at the beginning of the data, padded to a block

https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html
"""

from collections.abc import Iterable, Iterator

from wherry.store.tar.entry import BLOCK, TarEntry
from wherry.store.tar.numbers import parse_number
from wherry.store.tar.pax import Records, parse_decimal
from wherry.store.tar.source import Source

Segments = list[tuple[int, int]]

MOST_SEGMENTS = 1 << 18  # some 30 MB of memory; a claim of more is refused
_LONGEST_LINE = 21  # a decimal number of 63 bits and a newline


def old_gnu_segments(block: bytes, source: Source) -> tuple[Segments, int]:
    """The segments and the real size of an entry of type S, whose header is `block`."""
    segments = list(_table(block, 386, 4))
    extended = block[482]
    while extended:
        following = source.take_all(BLOCK)
        segments.extend(_table(following, 0, 21))
        _bound(len(segments))
        extended = following[504]
    return segments, parse_number(block[483:495])


def apply_pax_sparse(entry: TarEntry, records: Records, source: Source) -> None:
    """Fill in `size`, `segments` and `name` where the records say the entry is sparse."""
    values = dict(records)
    if values.get("GNU.sparse.major") == b"1" and values.get("GNU.sparse.minor") == b"0":
        entry.segments = _segments_in_data(entry, source)
    elif "GNU.sparse.map" in values:
        numbers = values["GNU.sparse.map"].split(b",") if values["GNU.sparse.map"] else []
        entry.segments = _pairs(parse_decimal(number) for number in numbers)
    elif "GNU.sparse.numblocks" in values or "GNU.sparse.offset" in values:
        entry.segments = _pairs(
            parse_decimal(value)
            for key, value in records
            if key in ("GNU.sparse.offset", "GNU.sparse.numbytes")
        )
    else:
        return
    real_size = values.get("GNU.sparse.realsize", values.get("GNU.sparse.size"))
    if real_size is None:
        raise ValueError("a sparse file has no size")
    entry.size = parse_decimal(real_size)
    entry.name = values.get("GNU.sparse.name", entry.name)


def check_segments(entry: TarEntry) -> None:
    """Raise ValueError unless the segments ascend, lie inside the file and are all stored."""
    assert entry.segments is not None
    end = total = 0
    for offset, length in entry.segments:
        if offset < end or length < 0 or offset + length > entry.size:
            raise ValueError("a sparse map is out of order")
        end = offset + length
        total += length
    if total != entry.stored:
        raise ValueError("a sparse map does not fit what is stored")


def _table(block: bytes, start: int, count: int) -> Iterator[tuple[int, int]]:
    for at in range(start, start + 24 * count, 24):
        if not block[at]:
            return
        yield parse_number(block[at : at + 12]), parse_number(block[at + 12 : at + 24])


def _segments_in_data(entry: TarEntry, source: Source) -> Segments:
    lines = _Lines(source, entry.stored)
    count = lines.number()
    _bound(count)
    segments = [(lines.number(), lines.number()) for _ in range(count)]
    entry.stored = lines.left
    return segments


class _Lines:
    """Decimal lines at the start of an entry's data; whole blocks are taken."""

    def __init__(self, source: Source, stored: int) -> None:
        self._source = source
        self._data = b""
        self.left = stored

    def number(self) -> int:
        while (end := self._data.find(b"\n")) < 0:
            if self.left < BLOCK or len(self._data) > _LONGEST_LINE:
                raise ValueError("a sparse map is cut short")
            self._data += self._source.take_all(BLOCK)
            self.left -= BLOCK
        value = parse_decimal(self._data[:end])
        self._data = self._data[end + 1 :]
        return value


def _pairs(numbers: Iterable[int]) -> Segments:
    flat = list(numbers)
    if len(flat) % 2:
        raise ValueError("a sparse map has half a segment")
    _bound(len(flat) // 2)
    return list(zip(flat[::2], flat[1::2], strict=True))


def _bound(count: int) -> None:
    if count > MOST_SEGMENTS:
        raise ValueError(f"a sparse map has more than {MOST_SEGMENTS} segments")
