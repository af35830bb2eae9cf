"""A text and places in it."""

from _bisect import bisect_right
from _operator import itemgetter

from wherry.lazy import cached_property
from wherry.values import dataclass

TYPE_CHECKING = False


def _size(text: str) -> int:
    """In bytes; those that are no UTF-8 are surrogates in the text of a lenient reader."""
    return len(text.encode("utf-8", "surrogateescape"))


# Tuples with names, written out: typing's NamedTuple takes 3 ms to load and to make them.
class Span(tuple[int, int]):
    """Characters of the text from `start` up to, not including, `end`."""

    __slots__ = ()
    if TYPE_CHECKING:
        start: int
        end: int
    else:
        start = property(itemgetter(0))
        end = property(itemgetter(1))

    def __new__(cls, start: int, end: int) -> "Span":
        return tuple.__new__(cls, (start, end))

    def __getnewargs__(self) -> tuple[int, int]:
        return self[0], self[1]

    def __repr__(self) -> str:
        return f"Span(start={self.start}, end={self.end})"


class Position(tuple[int, int, int]):
    """A place as people and editors name it: line and column from 1, byte of the file from 0."""

    __slots__ = ()
    if TYPE_CHECKING:
        line: int
        column: int
        byte: int
    else:
        line = property(itemgetter(0))
        column = property(itemgetter(1))
        byte = property(itemgetter(2))

    def __new__(cls, line: int, column: int, byte: int) -> "Position":
        return tuple.__new__(cls, (line, column, byte))

    def __repr__(self) -> str:
        return f"Position(line={self.line}, column={self.column}, byte={self.byte})"


NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class Source:
    """A Dockerfile's text, whole (with its byte order mark if it has one), and its name."""

    text: str
    name: str = "Dockerfile"

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        at = self.text.find("\n") + 1
        while at:
            starts.append(at)
            at = self.text.find("\n", at) + 1
        return starts

    @cached_property
    def _is_ascii(self) -> bool:
        return self.text.isascii()

    def line_of(self, offset: int) -> int:
        """The number, from 1, of the line that has the character at `offset`."""
        return bisect_right(self._starts, offset)

    def position(self, offset: int) -> Position:
        line = self.line_of(offset)
        byte = offset if self._is_ascii else _size(self.text[:offset])
        start = self._starts[line - 1]
        if line == 1 and self.text.startswith("\ufeff"):
            start = min(offset, 1)  # no editor counts the byte order mark as a column
        return Position(line, offset - start + 1, byte)

    def lines_of(self, span: Span) -> tuple[int, int]:
        """The first and the last line that `span` touches."""
        return self.line_of(span.start), self.line_of(max(span.start, span.end - 1))

    def line(self, number: int) -> str:
        """The text of a line without its end."""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].lstrip("\ufeff").rstrip("\r\n")

    def slice(self, span: Span) -> str:
        return self.text[span.start : span.end]
