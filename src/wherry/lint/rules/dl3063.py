"""Some names of stages mean something else already.

Bad:

    FROM debian:12 AS scratch

Good:

    FROM debian:12 AS base
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

_RESERVED = ("scratch", "context")


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, base in document.froms:
        if base.alias and base.alias.text in _RESERVED:
            yield Hit(step, span=base.alias.span)


RULE = Rule("DL3063", Level.WARNING, "stage name should not be a reserved word", check)
