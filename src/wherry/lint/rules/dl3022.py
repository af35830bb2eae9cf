"""`COPY --from` should name a stage that is there.

A name that no earlier stage has is taken for an image, and pulled.

Bad:

    FROM debian:12
    COPY --from=builder /app /app

Good:

    FROM golang:1.23 AS builder
    FROM debian:12
    COPY --from=builder /app /app
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Copy
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    stages: dict[str, int] = {}
    for index, (_, base) in enumerate(document.froms):
        if base.alias:
            stages.setdefault(base.alias.text, index)
    for step, copy in document.instructions(Copy):
        if step.is_trigger or copy.from_ is None or ":" in copy.from_.text:
            continue
        source = copy.from_.text
        if source.isdecimal():
            known = int(source[:9]) <= step.stage
        else:
            known = stages.get(source, step.stage + 1) <= step.stage
        if not known:
            yield Hit(step, span=copy.from_.span)


RULE = Rule(
    "DL3022",
    Level.WARNING,
    "`COPY --from` should reference a previously defined `FROM` alias",
    check,
)
