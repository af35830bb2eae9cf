"""Two stages cannot share a name.

Bad:

    FROM alpine:3.20 AS app
    FROM debian:12 AS App

Good:

    FROM alpine:3.20 AS build
    FROM debian:12 AS app
"""

from collections.abc import Iterator

from wherry.go_text import quoted
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    names: set[str] = set()
    for step, base in document.froms:
        if base.alias and base.stage_name in names:
            name = quoted(base.stage_name)
            message = f"Duplicate stage name {name}, stage names should be unique"
            yield Hit(step, message, base.alias.span)
        names.add(base.stage_name)


RULE = Rule("DuplicateStageName", Level.WARNING, "Stage names should be unique", check)
