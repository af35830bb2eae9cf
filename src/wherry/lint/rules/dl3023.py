"""A stage cannot copy from itself.

Bad:

    FROM debian:12 AS app
    COPY --from=app /a /b

Good:

    FROM debian:12 AS base
    FROM debian:12 AS app
    COPY --from=base /a /b
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Copy
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, copy in document.instructions(Copy):
        if step.is_trigger or copy.from_ is None or step.stage < 0:
            continue
        alias = document.froms[step.stage][1].alias
        if alias and alias.text == copy.from_.text:
            yield Hit(step, span=copy.from_.span)


RULE = Rule("DL3023", Level.ERROR, "`COPY --from` cannot reference its own `FROM` alias", check)
