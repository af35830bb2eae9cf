"""The lexer: lines of a text into directives, comments, blanks and statements.

A statement is one physical line or several that continuations join; comments and blank lines
among them count for nothing. The bodies of heredocs follow and are taken as they are.
"""

from wherry.dockerfile.characters import SPACE
from wherry.dockerfile.directives import DEFAULT_ESCAPE, read_directive
from wherry.dockerfile.dockerfile import Blank, Directive, Item, Remark
from wherry.dockerfile.errors import Fault, Problem
from wherry.dockerfile.exec_form import json_words
from wherry.dockerfile.source import Source, Span
from wherry.dockerfile.splitting import split_command
from wherry.dockerfile.statement import Comment, Heredoc, LogicalLine, Statement
from wherry.values import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.dockerfile.heredocs import Mark

LONGEST_LINE = 65535
_MAY_HAVE_HEREDOCS = ("ADD", "COPY", "RUN")
_SINGLE_LINE_END = "\r\n"


@dataclass
class Lexed:
    items: list[Item] = field(default_factory=list)
    escape: str = DEFAULT_ESCAPE
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)


def lex(source: Source) -> Lexed:
    """The items of `source`; what is wrong is among its problems."""
    lexer = _Lexer(source)
    try:
        lexer.run()
    except Fault as fault:
        lexer.lexed.problems.append(
            Problem(fault.message, fault.span or Span(lexer.start, lexer.at), fault.prefixed)
        )
    return lexer.lexed


class _Lexer:
    def __init__(self, source: Source) -> None:
        self.text = source.text
        self.start = 1 if self.text.startswith("\ufeff") else 0
        self.at = self.start
        self.lexed = Lexed()
        self.comments: list[Comment] = []
        self.directives_may_follow = True

    def _line(self) -> str:
        """The next physical line with its end; `start` is where it begins."""
        self.start = self.at
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end + 1
        line = self.text[self.start : self.at]
        # Bytes, and the line's end counts: a scanner of Go with its usual buffer reads it.
        if len(line) * 4 > LONGEST_LINE and len(
            line.encode("utf-8", "surrogateescape")
        ) > LONGEST_LINE + (end >= 0):
            raise Fault(
                f"dockerfile line greater than max allowed size of {LONGEST_LINE}",
                Span(self.start, self.at),
                prefixed=False,
            )
        return line

    def run(self) -> None:
        while self.at < len(self.text):
            line = self._line().rstrip(_SINGLE_LINE_END)
            stripped = line.lstrip(SPACE)
            indent = self.start + len(line) - len(stripped)
            span = Span(indent, indent + len(stripped))
            if not (stripped.startswith("#") and self.directives_may_follow):
                self.directives_may_follow = False
            if not stripped:
                self._blank()
            elif not stripped.startswith("#"):
                self._statement(stripped, indent)
            elif not self._directive(stripped, span):
                self._comment(stripped, span)

    def _blank(self) -> None:
        if self.lexed.items and isinstance(before := self.lexed.items[-1], Blank):
            self.lexed.items[-1] = Blank(Span(before.span.start, self.at))
        else:
            self.lexed.items.append(Blank(Span(self.start, self.at)))

    def _comment(self, line: str, span: Span) -> None:
        comment = Comment(line[1:].strip(SPACE), span)
        self.lexed.items.append(comment)
        if comment.text:
            self.comments.append(comment)
        else:
            self.comments = []

    def _directive(self, line: str, span: Span) -> bool:
        if not self.directives_may_follow:
            return False
        found = read_directive(line)
        if found is None:
            self.directives_may_follow = False
            return False
        name, value = found
        if any(isinstance(item, Directive) and item.name == name for item in self.lexed.items):
            raise Fault(f"only one {name} parser directive can be used", span, prefixed=False)
        if name == "escape":
            if value not in ("\\", "`"):
                raise Fault(
                    f"invalid escape token '{value}' does not match ` or \\", span, prefixed=False
                )
            self.lexed.escape = value
        self.lexed.items.append(Directive(name, value, span))
        return True

    def _statement(self, first: str, offset: int) -> None:
        pieces: list[str] = []
        offsets: list[int] = []
        inner: list[Comment] = []
        empty: Span | None = None
        piece, continues = self._continued(first)
        end = offset + len(first)
        pieces.append(piece)
        offsets.append(offset)
        while continues and self.at < len(self.text):
            whole = self._line()
            line = whole.rstrip(_SINGLE_LINE_END)
            stripped = line.lstrip(SPACE)
            indent = self.start + len(line) - len(stripped)
            if stripped.startswith("#"):
                inner.append(
                    Comment(stripped[1:].strip(SPACE), Span(indent, indent + len(stripped)))
                )
                continue
            if not stripped:
                empty = empty or Span(self.start, self.at)
                continue
            piece, continues = self._continued(line)
            pieces.append(piece)
            offsets.append(self.start)
            end = self.start + len(line)
        line_end = max(end, self.start + len(self.text[self.start : self.at].rstrip("\r\n")))
        logical = _joined(pieces, offsets)
        self._finish(logical, Span(offset, line_end if inner or empty else end), inner)
        if empty is not None:
            self.lexed.warnings.append(
                Remark(
                    "NoEmptyContinuation",
                    f"Empty continuation line found in: {logical.text}",
                    empty,
                )
            )

    def _continued(self, line: str) -> tuple[str, bool]:
        """The line without its continuation character, and whether it had one."""
        escape = self.lexed.escape
        stripped = line.rstrip(" \t")
        if not stripped.endswith(escape) or stripped.endswith(escape * 2):
            return line, False
        return stripped[:-1], True

    def _finish(self, line: LogicalLine, span: Span, inner: list[Comment]) -> None:
        escape = self.lexed.escape
        keyword, flags, start, end = split_command(line, 0, escape)
        heredocs: tuple[Heredoc, ...] = ()
        if "<<" in line.text and _may_have_heredocs(line, keyword.text, start, end, escape):
            from wherry.dockerfile.heredocs import marks_in  # few files have any

            heredocs = tuple(self._heredoc(mark, span) for mark in marks_in(line.text))
        if heredocs:
            span = Span(span.start, heredocs[-1].terminator.end)
        first = keyword.span.start if keyword.text else span.start
        self.lexed.items.append(
            Statement(
                keyword=keyword,
                flags=flags,
                arguments=line.word(start, end),
                start=start,
                line=line,
                span=Span(first, span.end),
                comments=tuple(self.comments),
                inner_comments=tuple(inner),
                heredocs=heredocs,
            )
        )
        self.comments = []

    def _heredoc(self, mark: "Mark", statement: Span) -> Heredoc:
        start = self.at
        while self.at < len(self.text):
            line = self._line().rstrip(_SINGLE_LINE_END)
            if (line.lstrip("\t") if mark.chomp else line) == mark.name:
                return Heredoc(
                    mark.name,
                    self.text[start : self.start],
                    mark.expand,
                    mark.chomp,
                    mark.file_descriptor,
                    Span(start, self.start),
                    Span(self.start, self.start + len(line)),
                )
        raise Fault("unterminated heredoc", statement, prefixed=False)


def _joined(pieces: list[str], offsets: list[int]) -> LogicalLine:
    starts: list[int] = []
    kept: list[int] = []
    length = 0
    for piece, offset in zip(pieces, offsets, strict=True):
        if piece:
            starts.append(length)
            kept.append(offset)
            length += len(piece)
    if not starts:
        return LogicalLine("", (0,), (offsets[0],))
    return LogicalLine("".join(pieces), tuple(starts), tuple(kept))


def _may_have_heredocs(line: LogicalLine, keyword: str, start: int, end: int, escape: str) -> bool:
    name = keyword.upper()
    if name == "ONBUILD":
        trigger, _, start, end = split_command(line, start, escape)
        name = trigger.text.upper()
    if name not in _MAY_HAVE_HEREDOCS:
        return False
    try:
        return json_words(line, start, end) is None
    except Fault:
        return False
