"""A base image is of the target's platform anyway.

Bad:

    FROM --platform=$TARGETPLATFORM debian:12

Good:

    FROM debian:12
"""

from collections.abc import Iterator

from wherry.dockerfile.source import Span
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Hit, Rule

_REDUNDANT = ("$TARGETPLATFORM", "${TARGETPLATFORM}")


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, base in document.froms:
        if base.platform and document.source.slice(base.platform.span) in _REDUNDANT:
            yield Hit(step, span=base.platform.span)


def fix(document: Document) -> Iterator[Edit]:
    for hit in check(document, Options()):
        for flag in hit.step.instruction.statement.flags if hit.step else ():
            end = flag.span.end
            while document.source.text[end : end + 1] in (" ", "\t"):
                end += 1
            yield Span(flag.span.start, end), ""


RULE = Rule(
    "DL3065",
    Level.WARNING,
    "Setting `FROM --platform` to predefined `$TARGETPLATFORM` in is redundant as this is the "
    "default behavior",
    check,
    fix,
)
