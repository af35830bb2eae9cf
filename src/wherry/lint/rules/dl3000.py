"""WORKDIR should be absolute.

A relative path starts at whatever the base image or an earlier line left behind, so a change
there moves everything that follows.

Bad:

    FROM debian:12
    WORKDIR app

Good:

    FROM debian:12
    WORKDIR /app
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Workdir
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.paths import is_absolute
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, workdir in document.instructions(Workdir):
        if not step.is_trigger and not is_absolute(workdir.path.text):
            yield Hit(step, span=workdir.path.span)


RULE = Rule("DL3000", Level.ERROR, "Use absolute WORKDIR", check)
