"""Two stages cannot share a name.

Bad:

    FROM debian:12 AS app
    FROM alpine:3.20 AS app

Good:

    FROM debian:12 AS build
    FROM alpine:3.20 AS app
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    names: set[str] = set()
    for step, base in document.froms:
        if base.alias:
            if base.alias.text in names:
                yield Hit(step, span=base.alias.span)
            names.add(base.alias.text)


RULE = Rule("DL3024", Level.ERROR, "FROM aliases (stage names) must be unique", check)
