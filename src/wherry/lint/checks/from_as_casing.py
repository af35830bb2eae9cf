"""AS should be written as FROM is.

Bad:

    FROM alpine:3.20 as build

Good:

    FROM alpine:3.20 AS build
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, base in document.froms:
        if base.as_keyword is None:
            continue
        first, second = base.keyword.text, base.as_keyword.text
        if (first.isupper() and not second.isupper()) or (first.islower() and not second.islower()):
            message = f"'{second}' and '{first}' keywords' casing do not match"
            yield Hit(step, message, base.as_keyword.span)


def fix(document: Document) -> Iterator[Edit]:
    for hit in check(document, Options()):
        if hit.span is not None and hit.step is not None:
            yield hit.span, "AS" if hit.step.instruction.keyword.text.isupper() else "as"


RULE = Rule(
    "FromAsCasing",
    Level.WARNING,
    "The 'as' keyword should match the case of the 'from' keyword",
    check,
    fix,
)
