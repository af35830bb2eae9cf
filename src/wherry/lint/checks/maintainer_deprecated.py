"""MAINTAINER is a label today.

Bad:

    FROM alpine:3.20
    MAINTAINER the team

Good:

    FROM alpine:3.20
    LABEL org.opencontainers.image.authors="the team"
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Maintainer
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step in document.of(Maintainer):
        yield Hit(step)


RULE = Rule(
    "MaintainerDeprecated",
    Level.WARNING,
    "Maintainer instruction is deprecated in favor of using label",
    check,
)
