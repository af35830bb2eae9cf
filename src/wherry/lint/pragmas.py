"""Comments that speak to the linter.

# hadolint ignore=DL3008,SC2086      the instruction on the next line
# hadolint stage ignore=DL3008       the line before a FROM: its whole stage
# hadolint global ignore=DL3008      the whole file
# hadolint shell=/bin/bash           the shell that ShellCheck takes RUN to be for
"""

from collections.abc import Iterator

from wherry.dockerfile.source import Span
from wherry.dockerfile.statement import Comment
from wherry.lazy import regex
from wherry.lint.document import Document
from wherry.values import dataclass, field

_CODE = r"(?:DL|SC|WH)\d{4}"
_CODES = rf"{_CODE}(?:[ \t]*,[ \t]*{_CODE})*"
_EACH = regex(_CODE)
_IGNORE = regex(
    rf"[ \t]*hadolint[ \t]+(?:(stage|global)[ \t]+)?ignore[ \t]*=[ \t]*({_CODES})[ \t]*(?:#.*)?"
)
_SHELL = regex(r"[ \t]*hadolint[ \t]+shell[ \t]*=[ \t]*(\S+)[ \t]*(?:#.*)?")


@dataclass(frozen=True, slots=True)
class Pragma:
    """Codes to ignore; `line` is that of the comment."""

    codes: frozenset[str]
    line: int
    span: Span


@dataclass(frozen=True)
class Pragmas:
    """All of a file."""

    of_lines: list[Pragma] = field(default_factory=list)
    of_stages: list[Pragma] = field(default_factory=list)
    everywhere: set[str] = field(default_factory=set)
    shells: dict[int, str] = field(default_factory=dict)
    """By the line of the comment."""

    def lines_ignored(self, document: Document) -> dict[int, frozenset[str]]:
        """What not to report, by the line of the finding."""
        lines = {pragma.line + 1: pragma.codes for pragma in self.of_lines}
        starts = {pragma.line + 1: pragma.codes for pragma in self.of_stages}
        stages = {
            step.stage: starts[step.line] for step, _ in document.froms if step.line in starts
        }
        for step in document.steps if stages else ():
            if step.stage in stages:
                lines[step.line] = lines.get(step.line, frozenset()) | stages[step.stage]
        return lines


def read_pragmas(document: Document) -> Pragmas:
    """The pragmas among the comments; those inside a continued instruction count for nothing."""
    found = Pragmas()
    for comment in _comments(document):
        if "hadolint" not in comment.text:
            continue
        if match := _IGNORE.fullmatch(comment.text):
            codes = frozenset(_EACH.findall(match[2]))
            line = document.source.line_of(comment.span.start)
            if match[1] == "global":
                found.everywhere.update(codes)
            elif match[1] == "stage":
                found.of_stages.append(Pragma(codes, line, comment.span))
            else:
                found.of_lines.append(Pragma(codes, line, comment.span))
        elif match := _SHELL.fullmatch(comment.text):
            found.shells[document.source.line_of(comment.span.start)] = match[1]
    return found


def _comments(document: Document) -> Iterator[Comment]:
    return (item for item in document.items if isinstance(item, Comment))
