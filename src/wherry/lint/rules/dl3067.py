"""Copying a whole root filesystem copies everything that built it.

Bad:

    FROM debian:12 AS build
    FROM debian:12
    COPY --from=build / /

Good:

    FROM debian:12 AS build
    FROM debian:12
    COPY --from=build /app /app
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Copy
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.paths import without_quotes
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, copy in document.instructions(Copy):
        if step.is_trigger or copy.from_ is None:
            continue
        sources = [without_quotes(source.text) for source in copy.sources]
        if "/" in sources and without_quotes(copy.destination.text) == "/":
            yield Hit(step)


RULE = Rule(
    "DL3067",
    Level.WARNING,
    "Do not copy an entire filesystem from another stage",
    check,
)
