"""Empty lines inside a continued instruction are to become errors.

Bad:

    FROM alpine:3.20
    RUN a && \\

        b

Good:

    FROM alpine:3.20
    RUN a && \\
        b
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Hit, Rule

_NAME = "NoEmptyContinuation"


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for remark in document.remarks:
        if remark.rule == _NAME:
            step = next(
                (s for s in document.steps if s.span.start <= remark.span.start < s.span.end), None
            )
            yield Hit(step, span=remark.span)


def fix(document: Document) -> Iterator[Edit]:
    """The first of the empty lines away; the next round has the next."""
    for hit in check(document, Options()):
        if hit.span is not None:
            yield hit.span, ""


RULE = Rule(_NAME, Level.WARNING, "Empty continuation line", check, fix)
