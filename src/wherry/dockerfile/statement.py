"""What the lexer hands on: one instruction as words, each with its place."""

from _bisect import bisect_right

from wherry.dockerfile.source import NOWHERE, Span
from wherry.values import dataclass, field


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of an instruction, continuations joined, quotes and variables as written."""

    text: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment line: `text` without the sign and the blanks around."""

    text: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Flag:
    """`--name=value`, quotes and escapes resolved; `value` is None without an equals sign."""

    name: str
    value: str | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    value_span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A document that follows the instruction's line."""

    name: str
    content: str
    """As in the file, leading tabs and line ends included; see `text`."""
    expand: bool = True
    """Whether variables in it are replaced: its name was not quoted."""
    chomp: bool = False
    """Whether it was written `<<-`: leading tabs are no part of it."""
    file_descriptor: int = 0
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    """Of the content, without the line of the terminator."""
    terminator: Span = field(default=NOWHERE, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The content as a file gets it."""
        if not self.chomp:
            return self.content
        return "".join(line.lstrip("\t") for line in self.content.splitlines(keepends=True))


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """Physical lines joined at their continuations, and the way back to the file.

    Piece `i` begins at `starts[i]` of `text` and at `offsets[i]` of the file.
    """

    text: str
    starts: tuple[int, ...] = (0,)
    offsets: tuple[int, ...] = (0,)

    def offset(self, index: int) -> int:
        """Where the character at `index` of the text stands in the file."""
        piece = max(bisect_right(self.starts, index) - 1, 0)
        return self.offsets[piece] + index - self.starts[piece]

    def span(self, start: int, end: int) -> Span:
        """Where the piece `text[start:end]` stands in the file, continuations inside included."""
        first = self.offset(start)
        return Span(first, self.offset(end - 1) + 1 if end > start else first)

    def word(self, start: int, end: int) -> Word:
        return Word(self.text[start:end], self.span(start, end))


@dataclass(frozen=True, slots=True)
class Statement:
    """An instruction of any kind, before its arguments mean anything."""

    keyword: Word
    flags: tuple[Flag, ...]
    arguments: Word
    """All behind keyword and flags, without blanks around."""
    start: int
    """Where `arguments` begins in `line.text`."""
    line: LogicalLine
    span: Span
    """From the keyword to the end of the last line, its terminators and heredocs included."""
    comments: tuple[Comment, ...] = ()
    """Those right above; blank lines may stand between, a bare `#` cuts them off."""
    inner_comments: tuple[Comment, ...] = ()
    """Those between the lines that continuations join."""
    heredocs: tuple[Heredoc, ...] = ()

    @property
    def original(self) -> str:
        """The joined line without blanks around, as image histories show it."""
        return self.line.text.strip()
