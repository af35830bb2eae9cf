"""A stream of pieces of any size, read by the byte count."""

from collections.abc import Callable, Iterable, Iterator

from wherry.store.tar.entry import InvalidArchive

_SMALL = 1 << 14  # below this a copy costs less than a view
_LARGE = 1 << 19


class Source:
    """Hands out the bytes of `pieces` in order, without joining large ones.

    `note` is called with everything but what is asked for by `data` and `parts`: with that, and
    these, the stream can be put together again.
    """

    def __init__(
        self, pieces: Iterable[bytes], note: Callable[[bytes | memoryview], object] | None = None
    ) -> None:
        self._pieces = iter(pieces)
        self._note = note
        self._piece = b""
        self._at = 0
        self._before = 0  # bytes in earlier pieces

    @property
    def offset(self) -> int:
        """How many bytes have been taken."""
        return self._before + self._at

    def take(self, count: int) -> bytes:
        """The next `count` bytes; fewer, or none, only at the end of the stream."""
        data = self._take(count)
        if self._note is not None:
            self._note(data)
        return data

    def _take(self, count: int) -> bytes:
        start = self._at
        end = start + count
        if end <= len(self._piece):
            self._at = end
            return self._piece[start:end]
        parts = []
        while count and (part := self._some(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def take_all(self, count: int) -> bytes:
        """The next `count` bytes, or InvalidArchive."""
        return self._all(self.take(count), count)

    def data(self, count: int) -> bytes:
        """As `take_all`, of what is a file's contents."""
        return self._all(self._take(count), count)

    def _all(self, data: bytes, count: int) -> bytes:
        if len(data) < count:
            raise InvalidArchive("unexpected EOF", self.offset)
        return data

    def parts(self, count: int) -> Iterator[bytes | memoryview]:
        """The next `count` bytes, a file's contents, in the pieces they came in."""
        while count:
            part = self._some(count)
            if not part:
                raise InvalidArchive("unexpected EOF", self.offset)
            count -= len(part)
            yield part

    def skip(self, count: int) -> None:
        for part in self.parts(count):
            if self._note is not None:
                self._note(part)

    def drain(self) -> None:
        """Take everything there is."""
        while part := self._some(_LARGE):
            if self._note is not None:
                self._note(part)

    def _some(self, count: int) -> bytes | memoryview:
        while self._at == len(self._piece):
            self._before += len(self._piece)
            self._piece, self._at = b"", 0
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._piece = piece
        start = self._at
        self._at = end = min(start + count, len(self._piece))
        if end - start < _SMALL:
            return self._piece[start:end]
        return memoryview(self._piece)[start:end]
