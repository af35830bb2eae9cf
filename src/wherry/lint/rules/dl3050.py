"""With strict labels, there are no others.

Bad (with `label-schema: {maintainer: text}` and `strict-labels`):

    FROM debian:12
    LABEL maintainer="the team" other=1

Good:

    FROM debian:12
    LABEL maintainer="the team"
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Label
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.paths import without_quotes
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    if not options.strict_labels:
        return
    for step, label in document.instructions(Label):
        if any(without_quotes(pair.name.text) not in options.labels for pair in label.pairs):
            yield Hit(step)


RULE = Rule("DL3050", Level.INFO, "Superfluous label(s) present.", check)
