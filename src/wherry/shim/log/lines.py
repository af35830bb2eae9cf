"""Cutting a stream into lines, many at a time."""

from collections.abc import Iterator

LONGEST = 16384  # bytes of a line that Docker keeps in one record


class LineSplitter:
    """Holds the beginning of a line until its end has come, or until it is too long."""

    def __init__(self, rest: bytes = b"") -> None:
        self._rest = rest

    @property
    def rest(self) -> bytes:
        """The beginning of a line, so far."""
        return self._rest

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Blocks of whole lines, (block, True), and pieces of overlong ones, (piece, False)."""
        if self._rest:
            data = self._rest + data
        start = at = 0
        # Every window of LONGEST bytes from the start of a line must hold the line's end.
        while len(data) - at >= LONGEST:
            end = data.rfind(b"\n", at, at + LONGEST)
            if end >= 0:
                at = end + 1
                continue
            if at > start:
                yield data[start:at], True
            start = at + _cut(data, at)
            yield data[at:start], False
            at = start
        end = data.rfind(b"\n", at)
        if end >= 0:
            at = end + 1
        if at > start:
            yield data[start:at], True
        self._rest = data[at:]

    def finish(self) -> bytes:
        """What is left when the stream has ended without a line break."""
        rest, self._rest = self._rest, b""
        return rest


def _cut(data: bytes, at: int) -> int:
    """How much of an overlong line goes into a record, so that no character is torn apart."""
    for length in range(LONGEST, LONGEST - 4, -1):
        if at + length == len(data) or data[at + length] & 0xC0 != 0x80:
            return length
    return LONGEST
