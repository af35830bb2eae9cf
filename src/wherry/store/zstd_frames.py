"""Where a zstd stream may end: its frames and blocks, followed but not unpacked.

RFC 8878, section 3.1.1. A frame is a magic number, a header, blocks up to one marked as the
last, and a checksum if the header says so. A skippable frame is a magic number and a length.
"""

from collections.abc import Generator

_SKIPPABLE = 0x184D2A5
_CONTENT_SIZE_BYTES = (0, 2, 4, 8)
_DICTIONARY_BYTES = (0, 1, 2, 4)
_RLE_BLOCK = 1

# What the walk asks for: that many bytes to look at, or to pass over.
_Request = tuple[int, bool]
_LOOK, _PASS = True, False


class FrameWalk:
    """Takes the stream in any pieces and knows whether it could end here."""

    def __init__(self) -> None:
        self.between_frames = True
        self._walk = self._frames()
        self._wanted, self._look = next(self._walk)
        self._seen = b""

    def feed(self, data: bytes) -> None:
        position = 0
        while position < len(data):
            taken = min(self._wanted - len(self._seen) if self._look else self._wanted, len(data))
            taken = min(taken, len(data) - position)
            if self._look:
                self._seen += data[position : position + taken]
                done = len(self._seen) == self._wanted
            else:
                self._wanted -= taken
                done = self._wanted == 0
            position += taken
            self.between_frames = False
            while done:
                self._wanted, self._look = self._walk.send(self._seen)
                self._seen = b""
                done = self._wanted == 0

    def _frames(self) -> Generator[_Request, bytes, None]:
        while True:
            magic = int.from_bytes((yield 4, _LOOK), "little")
            if magic >> 4 == _SKIPPABLE:
                yield int.from_bytes((yield 4, _LOOK), "little"), _PASS
            else:
                yield from self._frame()
            self.between_frames = True

    def _frame(self) -> Generator[_Request, bytes, None]:
        (descriptor,) = yield 1, _LOOK
        single_segment = bool(descriptor & 0x20)
        content_size = _CONTENT_SIZE_BYTES[descriptor >> 6] or int(single_segment)
        yield (not single_segment) + _DICTIONARY_BYTES[descriptor & 3] + content_size, _PASS
        last = False
        while not last:
            block = int.from_bytes((yield 3, _LOOK), "little")
            last = bool(block & 1)
            yield 1 if block >> 1 & 3 == _RLE_BLOCK else block >> 3, _PASS
        if descriptor & 4:
            yield 4, _PASS
