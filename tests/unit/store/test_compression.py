"""wherry.store.compression, wherry.store.stages"""

import bz2
import gzip
import hashlib
import lzma
import random
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
import zstandard

from wherry.store.compression import (
    Compression,
    DamagedStream,
    compressed,
    decompressed,
    detect,
)
from wherry.store.packing import PIECE
from wherry.store.stages import hashed, prefetched

DATA = random.Random(1).randbytes(300_000) + bytes(2_000_000) + b"end" * 1000


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


PACKERS: list[Callable[[bytes], bytes]] = [gzip.compress, bz2.compress, lzma.compress, zstd]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@pytest.mark.parametrize("size", [3, 1000, 1 << 30])
@pytest.mark.parametrize("pack", PACKERS)
def test_a_stream_is_unpacked_whatever_packed_it(pack: Callable[[bytes], bytes], size: int) -> None:
    assert b"".join(decompressed(pieces(pack(DATA), size))) == DATA


@pytest.mark.parametrize("pack", PACKERS)
def test_members_in_a_row_are_one_stream(pack: Callable[[bytes], bytes]) -> None:
    assert b"".join(decompressed([pack(b"one"), pack(b"") + pack(b"two")])) == b"onetwo"


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("missing", [1, 4, 100])
def test_an_early_end_is_an_error(pack: Callable[[bytes], bytes], missing: int) -> None:
    with pytest.raises(DamagedStream, match="unexpected EOF"):
        list(decompressed([pack(DATA)[:-missing]]))


@pytest.mark.parametrize("pack", PACKERS)
def test_a_flipped_bit_is_an_error(pack: Callable[[bytes], bytes]) -> None:
    packed = bytearray(pack(DATA))
    packed[len(packed) // 2] ^= 0x10
    with pytest.raises(DamagedStream):
        list(decompressed([bytes(packed)]))


def test_what_is_not_compressed_passes() -> None:
    assert list(decompressed([b"", b"pl", b"ain"])) == [b"plain"]
    assert list(decompressed([])) == []
    assert detect(b"ustar") is Compression.NONE


@pytest.mark.parametrize("pack", PACKERS)
def test_a_bomb_is_unpacked_in_bounded_memory(pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(64 << 20))
    total = 0
    tracemalloc.start()
    try:
        for piece in decompressed([bomb]):
            assert len(piece) <= PIECE
            total += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == 64 << 20
    assert peak < 16 << 20  # xz alone keeps 8 MiB of history


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
def test_what_is_packed_can_be_unpacked_and_is_always_the_same(compression: Compression) -> None:
    packed = b"".join(compressed(pieces(DATA, 70_000), compression))
    assert packed == b"".join(compressed(pieces(DATA, 70_000), compression))
    assert b"".join(decompressed([packed])) == DATA
    assert detect(packed) is compression


def test_a_stage_in_a_thread_passes_pieces_and_hashes() -> None:
    digest = hashlib.sha256()
    assert b"".join(prefetched(hashed(pieces(DATA, 10_000), digest))) == DATA
    assert digest.digest() == hashlib.sha256(DATA).digest()


def test_an_error_in_a_stage_reaches_the_reader() -> None:
    def broken() -> Iterator[bytes]:
        yield b"one"
        raise OSError("no more")

    stream = prefetched(broken())
    assert next(stream) == b"one"
    with pytest.raises(OSError, match="no more"):
        next(stream)


def test_a_reader_may_stop_early() -> None:
    drawn = []

    def endless() -> Iterator[bytes]:
        while True:
            drawn.append(1)
            yield b"x"

    stream = prefetched(endless())
    next(stream)
    stream.close()
    count = len(drawn)
    assert count <= 7
