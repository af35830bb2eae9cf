"""Names of stages should be in lower case.

Keywords are in capitals, so names that are not stand out.

Bad:

    FROM alpine:3.20 AS Build

Good:

    FROM alpine:3.20 AS build
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, base in document.froms:
        if base.alias and base.alias.text != base.alias.text.lower():
            name = base.alias.text
            yield Hit(step, f"Stage name '{name}' should be lowercase", base.alias.span)


RULE = Rule("StageNameCasing", Level.WARNING, "Stage names should be lowercase", check)
