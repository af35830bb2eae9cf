"""Compressed streams, told by their first bytes: gzip, zstd, bzip2, xz, or none.

Data flows as iterators of `bytes`. However much a few bytes unpack to, no piece is larger than
`PIECE` and no more than a handful are in memory: the reader's pace is the decompressor's.
"""

import bz2
import lzma
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import chain
from typing import Protocol

import zstandard
from isal import igzip_lib, isal_zlib

from wherry.errors import InvalidArgument
from wherry.store.zstd_frames import FrameWalk

PIECE = 1 << 19
_ZSTD_WINDOW = 1 << 27  # 128 MiB, what zstd itself takes without --long
_XZ_MEMORY = 1 << 28  # its header may ask for 4 GiB; xz -9 takes 65 MiB
_GZIP_LEVEL = 2  # of isal's 0 to 3: ten times as fast as zlib's 6, for a tenth more bytes
_ZSTD_LEVEL = 3


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
_FAULTS: tuple[type[Exception], ...] = (
    igzip_lib.IsalError,  # type: ignore[assignment]  # its stub says instance where it is a class
    lzma.LZMAError,
    zstandard.ZstdError,
    OSError,
    ValueError,
)


class DamagedStream(InvalidArgument):
    """A compressed stream that cannot be unpacked, or ends too early."""

    def __init__(self, compression: Compression, problem: str) -> None:
        super().__init__(f"{compression.value}: {problem}")
        self.compression = compression


class _Decompressor(Protocol):
    """What the decompressors of bz2, lzma and isal have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


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
    if compression is Compression.ZSTD:
        return _unpacked_zstd(stream)
    return _unpacked(compression, stream)


def compressed(chunks: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """The stream packed with gzip or zstd, the same bytes for the same input; or as it is."""
    if compression is Compression.NONE:
        yield from chunks
        return
    packer: _Packer
    if compression is Compression.GZIP:
        packer = isal_zlib.compressobj(_GZIP_LEVEL, wbits=31)  # 31: with gzip's header
    elif compression is Compression.ZSTD:
        packer = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compressobj()
    else:
        raise InvalidArgument(f"layers are not written as {compression.value}")
    for chunk in chunks:
        if piece := packer.compress(chunk):
            yield piece
    yield packer.flush()


def _new_decompressor(compression: Compression) -> _Decompressor:
    decompressor: _Decompressor
    if compression is Compression.GZIP:
        decompressor = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    elif compression is Compression.BZIP2:
        decompressor = bz2.BZ2Decompressor()
    else:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    return decompressor


def _unpacked(compression: Compression, stream: Iterator[bytes]) -> Iterator[bytes]:
    decompressor: _Decompressor | None = _new_decompressor(compression)
    for chunk in stream:
        data = chunk
        while True:
            if decompressor is None:  # several members in a row are one stream; zeros may pad
                data = data.lstrip(b"\0")
                if not data:
                    break
                decompressor = _new_decompressor(compression)
            try:
                piece = decompressor.decompress(data, PIECE)
            except _FAULTS as error:
                raise DamagedStream(compression, str(error)) from error
            data = b""
            if piece:
                yield piece
            if decompressor.eof:
                data = decompressor.unused_data
                decompressor = None
            elif decompressor.needs_input:
                break
    if decompressor is not None:
        raise DamagedStream(compression, "unexpected EOF")


class _Reading:
    """The pieces of a stream for a library that calls `read`."""

    def __init__(self, stream: Iterator[bytes]) -> None:
        self._stream = stream
        self._rest = b""
        self.walk = FrameWalk()

    def read(self, size: int) -> bytes:
        while not self._rest:
            chunk = next(self._stream, None)
            if chunk is None:
                return b""
            self.walk.feed(chunk)
            self._rest = chunk
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def _unpacked_zstd(stream: Iterator[bytes]) -> Iterator[bytes]:
    source = _Reading(stream)
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    reader = decompressor.stream_reader(
        source,  # type: ignore[arg-type]  # nothing but `read` is called
        read_across_frames=True,
    )
    while True:
        try:
            piece = reader.read(PIECE)
        except zstandard.ZstdError as error:
            raise DamagedStream(Compression.ZSTD, str(error)) from error
        if not piece:
            break
        yield piece
    # The library takes the end of its input for the end of the data.
    if not source.walk.between_frames:
        raise DamagedStream(Compression.ZSTD, "unexpected EOF")
