"""ONBUILD cannot defer ONBUILD, FROM or MAINTAINER.

Bad:

    FROM debian:12
    ONBUILD MAINTAINER me

Good:

    FROM debian:12
    ONBUILD LABEL maintainer=me
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Onbuild
from wherry.lint.document import REFUSED_TRIGGERS, Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, onbuild in document.instructions(Onbuild):
        if (
            not step.is_trigger
            and onbuild.expression.split(maxsplit=1)[0].upper() in REFUSED_TRIGGERS
        ):
            yield Hit(step)


RULE = Rule(
    "DL3043",
    Level.ERROR,
    "`ONBUILD`, `FROM` or `MAINTAINER` triggered from within `ONBUILD` instruction.",
    check,
)
