"""A Dockerfile begins with FROM; only ARG may stand before it.

Bad:

    LABEL a=b
    FROM debian:12

Good:

    ARG VERSION=12
    FROM debian:$VERSION
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Arg
from wherry.lint.document import BEFORE_STAGES, Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step in document.steps:
        if step.stage != BEFORE_STAGES:
            break
        if not step.is_trigger and not isinstance(step.instruction, Arg):
            yield Hit(step)


RULE = Rule(
    "DL3061",
    Level.ERROR,
    "Invalid instruction order. Dockerfile must begin with `FROM`, `ARG` or comment.",
    check,
)
