"""The `local` format: blocks of a head and the text itself, nothing escaped.

    head   <4sBBHIIq: magic, stream, flags, length of the attributes, length of the text,
           number of lines, time in nanoseconds
    text   as the container wrote it; with flag PIECE it is the first part of a long line

Files that were rotated are compressed with gzip.
"""

import struct
from collections.abc import Iterator

from wherry.values import dataclass

_HEAD = struct.Struct("<4sBBHIIq")
_MAGIC = b"WLG1"
_PIECE = 1


@dataclass(slots=True)
class LocalBlock:
    stream: int
    time: int
    lines: int
    text: bytes


def encode(text: bytes, stream: int, time: int, *, whole: bool) -> bytes:
    """A block of whole lines, or of a piece of one."""
    lines = text.count(b"\n") if whole else 1
    head = _HEAD.pack(_MAGIC, stream, 0 if whole else _PIECE, 0, len(text), lines, time)
    return head + text


def complete(data: bytes) -> int:
    """How many bytes of `data` are whole blocks."""
    at = 0
    while at + _HEAD.size <= len(data):
        end = at + _HEAD.size + _length(data, at)
        if end > len(data):
            break
        at = end
    return at


def _length(data: bytes, at: int) -> int:
    magic, _, _, _, length, _, _ = _HEAD.unpack_from(data, at)
    # What follows a torn block cannot be found again: it is skipped as one.
    return int(length) if magic == _MAGIC else len(data) - at - _HEAD.size


def decode(data: bytes) -> Iterator[LocalBlock]:
    """The whole blocks in `data`, which begins with one."""
    at = 0
    while at + _HEAD.size <= len(data):
        magic, stream, _, _, length, lines, time = _HEAD.unpack_from(data, at)
        start = at + _HEAD.size
        if magic != _MAGIC or start + length > len(data):
            return
        yield LocalBlock(stream, time, lines, data[start : start + length])
        at = start + length
