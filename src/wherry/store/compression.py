"""Compressed streams, told by their first bytes: gzip, zstd, bzip2, xz, or none.

Data flows as iterators of `bytes`. However much a few bytes unpack to, no piece is larger than
`packing.PIECE` and no more than a handful are in memory: the reader's pace is the decompressor's.
"""

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import chain

from wherry.errors import InvalidArgument


class Compression(Enum):
    NONE = "none"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"


_MAGIC = (
    (b"\x1f\x8b\x08", Compression.GZIP),
    (b"BZh", Compression.BZIP2),
    (b"\xfd7zXZ\x00", Compression.XZ),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
)
_LONGEST_MAGIC = 6


class DamagedStream(InvalidArgument):
    """A compressed stream that cannot be unpacked, or ends too early."""

    def __init__(self, compression: Compression, problem: str) -> None:
        super().__init__(f"{compression.value}: {problem}")
        self.compression = compression


def detect(head: bytes) -> Compression:
    """The compression of a stream that begins so."""
    for magic, compression in _MAGIC:
        if head.startswith(magic):
            return compression
    # A zstd stream may begin with a skippable frame, RFC 8878 section 3.1.2.
    if len(head) >= 4 and 0x50 <= head[0] <= 0x5F and head[1:4] == b"\x2a\x4d\x18":
        return Compression.ZSTD
    return Compression.NONE


def peeked(chunks: Iterable[bytes]) -> tuple[Compression, Iterator[bytes]]:
    """The compression of a stream, and the whole stream again."""
    stream = iter(chunks)
    head = b""
    for chunk in stream:
        head += chunk
        if len(head) >= _LONGEST_MAGIC:
            break
    return detect(head), chain((head,) if head else (), stream)


def decompressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The stream unpacked, whatever it is packed with; DamagedStream where it is broken."""
    compression, stream = peeked(chunks)
    if compression is Compression.NONE:
        return stream
    # The libraries take 10 ms to load: who runs a container unpacks nothing.
    from wherry.store.packing import unpacked

    return unpacked(compression, stream)


def compressed(chunks: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """The stream packed with gzip or zstd, the same bytes for the same input; or as it is."""
    if compression is Compression.NONE:
        return iter(chunks)
    from wherry.store.packing import packed

    return packed(chunks, compression)
