"""COPY of several files needs a folder to copy to.

The last argument ends in a slash; without it a build fails, or one file is named like a folder.

Bad:

    FROM debian:12
    COPY a.txt b.txt /srv

Good:

    FROM debian:12
    COPY a.txt b.txt /srv/
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Copy
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.paths import without_quotes
from wherry.lint.rule import Edit, Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, copy in document.instructions(Copy):
        target = without_quotes(copy.destination.text)
        if not step.is_trigger and len(copy.sources) > 1 and not target.endswith("/"):
            yield Hit(step, span=copy.destination.span)


def fix(document: Document) -> Iterator[Edit]:
    """A slash, where the name is certain to be one."""
    for hit in check(document, Options()):
        copy = hit.step.instruction if hit.step else None
        if isinstance(copy, Copy) and not copy.is_json:
            text = copy.destination.text
            if not set("$\"'\\") & set(text):
                yield copy.destination.span, text + "/"


RULE = Rule(
    "DL3021",
    Level.ERROR,
    "COPY with more than 2 arguments requires the last argument to end with /",
    check,
    fix,
)
