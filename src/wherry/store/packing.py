"""The libraries that pack and unpack streams, behind `compression`."""

import bz2
import lzma
from collections.abc import Iterable, Iterator
from typing import Protocol

import zstandard
from isal import igzip_lib, isal_zlib

from wherry.errors import InvalidArgument
from wherry.store.compression import Compression, DamagedStream
from wherry.store.zstd_frames import FrameWalk

PIECE = 1 << 19
_ZSTD_WINDOW = 1 << 27  # 128 MiB, what zstd itself takes without --long
_XZ_MEMORY = 1 << 28  # its header may ask for 4 GiB; xz -9 takes 65 MiB
_GZIP_LEVEL = 2  # of isal's 0 to 3: ten times as fast as zlib's 6, for a tenth more bytes
_ZSTD_LEVEL = 3
_FAULTS: tuple[type[Exception], ...] = (
    igzip_lib.IsalError,  # type: ignore[assignment]  # its stub says instance where it is a class
    lzma.LZMAError,
    zstandard.ZstdError,
    OSError,
    ValueError,
)


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


def unpacked(compression: Compression, stream: Iterator[bytes]) -> Iterator[bytes]:
    """The stream without its compression, which is not none; DamagedStream where it is broken."""
    if compression is Compression.ZSTD:
        return _unpacked_zstd(stream)
    return _unpacked_members(compression, stream)


def packed(chunks: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """The stream packed with gzip or zstd, the same bytes for the same input."""
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


def _unpacked_members(compression: Compression, stream: Iterator[bytes]) -> Iterator[bytes]:
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
