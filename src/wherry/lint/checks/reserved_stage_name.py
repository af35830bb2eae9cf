"""Some names mean something else already.

Bad:

    FROM alpine:3.20 AS scratch

Good:

    FROM alpine:3.20 AS base
"""

from collections.abc import Iterator

from wherry.go_text import quoted
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

_RESERVED = ("context", "scratch")


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, base in document.froms:
        if base.alias and base.stage_name in _RESERVED:
            name = quoted(base.stage_name)
            message = f"Stage name should not use the same name as reserved stage {name}"
            yield Hit(step, message, base.alias.span)


RULE = Rule(
    "ReservedStageName",
    Level.WARNING,
    "Reserved words should not be used as stage names",
    check,
)
