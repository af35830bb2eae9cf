"""Reading a tar archive from a stream, entry by entry, without loading data.

Understood are v7, ustar, GNU (long names, base-256 numbers, sparse files) and POSIX pax archives
(local and global extended headers, sparse files). An archive ends with two blocks of zeros or
with the stream. Where the formats can be read in more than one way, Go's archive/tar is
followed, which Docker unpacks with: two readers that disagree about where an entry begins would
let an archive show one content to a scanner and another to the engine.
"""

from collections.abc import Callable, Iterable, Iterator

from wherry.store.tar.entry import BLOCK, HEADER_ONLY, InvalidArchive, Kind, TarEntry
from wherry.store.tar.numbers import checksum_matches, parse_number
from wherry.store.tar.pax import XATTR_PREFIX, Records, parse_decimal, parse_records, parse_time
from wherry.store.tar.source import Source
from wherry.store.tar.sparse import apply_pax_sparse, check_segments, old_gnu_segments

MOST_EXTENSION = 1 << 20  # bytes of one extended header or long name, as Go bounds them
_ZEROS = bytes(BLOCK)
# What a global header may not set: it would move the bounds or names of every later entry.
_LOCAL_ONLY = ("path", "linkpath", "size", "GNU.sparse.")


class TarReader:
    """Iterate for the entries; `parts` gives the data of the one at hand.

    Data that is not asked for is passed over. `note` gets all bytes but the data asked for.
    """

    def __init__(
        self, pieces: Iterable[bytes], note: Callable[[bytes | memoryview], object] | None = None
    ) -> None:
        self._source = Source(pieces, note)
        self._unread = 0  # of the current entry's data
        self._padding = 0
        self._global: dict[str, bytes] = {}

    @property
    def offset(self) -> int:
        return self._source.offset

    def __iter__(self) -> Iterator[TarEntry]:
        """Raises InvalidArchive where the archive is broken."""
        while (entry := self._next()) is not None:
            yield entry

    def whole(self) -> bytes | None:
        """All the current entry's data if that is small and at hand, to spare an iterator."""
        if self._unread > BLOCK * 256:
            return None
        data = self._source.data(self._unread)
        self._unread = 0
        return data

    def parts(self) -> Iterator[bytes | memoryview]:
        """The data of the current entry as stored, in pieces; of a sparse file without holes."""
        for part in self._source.parts(self._unread):
            self._unread -= len(part)
            yield part

    def drain(self) -> None:
        """Read the stream to its end, past the end of the archive."""
        self._source.drain()

    def _next(self) -> TarEntry | None:
        local: Records = []
        long_name = long_link = b""
        while True:
            self._source.skip(self._unread + self._padding)
            self._unread = self._padding = 0
            start = self._source.offset
            block = self._header()
            if block is None:
                return None
            try:
                kind = block[156:157]
                if kind == Kind.EXTENDED:
                    local = parse_records(self._extension(block))
                elif kind == Kind.GLOBAL:
                    self._take_global(parse_records(self._extension(block)))
                elif kind == Kind.GNU_LONG_NAME:
                    long_name = _text(self._extension(block))
                elif kind == Kind.GNU_LONG_LINK:
                    long_link = _text(self._extension(block))
                else:
                    return self._entry(block, local, long_name, long_link)
            except ValueError as error:
                raise InvalidArchive(f"invalid tar header: {error}", start) from error

    def _header(self) -> bytes | None:
        block = self._source.take(BLOCK)
        if not block:
            return None
        if len(block) < BLOCK:
            raise InvalidArchive("unexpected EOF", self._source.offset)
        if block == _ZEROS:
            following = self._source.take(BLOCK)
            if following not in (b"", _ZEROS):
                raise InvalidArchive(
                    "invalid tar header: a lone block of zeros", self._source.offset - BLOCK
                )
            return None
        if not checksum_matches(block):
            raise InvalidArchive("invalid tar header: wrong checksum", self._source.offset - BLOCK)
        return block

    def _extension(self, block: bytes) -> bytes:
        size = parse_number(block[124:136])
        if not 0 <= size <= MOST_EXTENSION:
            raise ValueError(f"an extended header of {size} bytes")
        data = self._source.take_all(size)
        self._padding = -size % BLOCK
        return data

    def _take_global(self, records: Records) -> None:
        for key, value in records:
            if key.startswith(_LOCAL_ONLY):
                raise ValueError(f"a global {key}")
            self._global[key] = value
        if sum(len(key) + len(value) for key, value in self._global.items()) > MOST_EXTENSION:
            raise ValueError("too many global records")

    def _entry(self, block: bytes, local: Records, long_name: bytes, long_link: bytes) -> TarEntry:
        entry = _parse_header(block)
        if entry.kind == Kind.GNU_SPARSE:
            entry.kind = Kind.FILE
            entry.segments, entry.size = old_gnu_segments(block, self._source)
        if local or self._global:
            # An empty value takes a global one away, pax(1).
            merged = {**self._global, **dict(local)}
            _apply_records(entry, {key: value for key, value in merged.items() if value})
        if entry.kind in HEADER_ONLY:
            entry.size = entry.stored = 0
        elif entry.segments is None:
            apply_pax_sparse(entry, local, self._source)
        entry.name = long_name or entry.name
        entry.link = long_link or entry.link
        if entry.kind == Kind.OLD_FILE:
            entry.kind = Kind.DIRECTORY if entry.name.endswith(b"/") else Kind.FILE
            if entry.kind == Kind.DIRECTORY:
                entry.size = entry.stored = 0
        if entry.segments is not None:
            check_segments(entry)
        self._unread = entry.stored
        self._padding = -entry.stored % BLOCK
        return entry


def _text(data: bytes) -> bytes:
    return data.partition(b"\0")[0]


def _parse_header(block: bytes) -> TarEntry:
    name = block[:100].partition(b"\0")[0]
    kind = block[156:157]
    size = parse_number(block[124:136])
    if size < 0:
        raise ValueError("a negative size")
    entry = TarEntry(
        name,
        Kind.FILE if kind == Kind.CONTIGUOUS else kind,
        parse_number(block[100:108]) & 0o7777,
        parse_number(block[108:116]),
        parse_number(block[116:124]),
        size,
        parse_number(block[136:148]) * 1_000_000_000,
        block[157:257].partition(b"\0")[0],
    )
    entry.stored = size
    magic = block[257:265]
    if magic[:5] != b"ustar":
        return entry  # v7: nothing further is defined
    entry.user = block[265:297].partition(b"\0")[0]
    entry.group = block[297:329].partition(b"\0")[0]
    if kind in (Kind.CHARACTER, Kind.BLOCK):
        entry.major = parse_number(block[329:337])
        entry.minor = parse_number(block[337:345])
    # GNU keeps other things where POSIX has the prefix.
    if magic == b"ustar\x0000" and block[345]:
        entry.name = block[345:500].partition(b"\0")[0] + b"/" + name
    return entry


def _apply_records(entry: TarEntry, records: dict[str, bytes]) -> None:
    for key, value in records.items():
        if key == "path":
            entry.name = value
        elif key == "linkpath":
            entry.link = value
        elif key == "size":
            entry.size = entry.stored = parse_decimal(value)
        elif key == "uid":
            entry.uid = parse_decimal(value)
        elif key == "gid":
            entry.gid = parse_decimal(value)
        elif key == "uname":
            entry.user = value
        elif key == "gname":
            entry.group = value
        elif key == "mtime":
            entry.mtime_ns = parse_time(value)
        elif key.startswith(XATTR_PREFIX):
            if entry.xattrs is None:
                entry.xattrs = {}
            entry.xattrs[key.removeprefix(XATTR_PREFIX)] = value
