"""A base image should be the same at each build until somebody decides otherwise.

The engine keeps a log of what each tag has named. The tag of this FROM names another image than it
did at the last build, so the next one starts from something else, and builds everything again. A
digest, or `wherry tag --lock`, keeps it in place.

Bad:

    FROM debian:latest

Good:

    FROM debian:12@sha256:6cf3a51a2d5c9ee1c1d1d1bb2ae9ae9fbd5c6a1e4ce8e8a2a2e13a9a0e4b6f58
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    moved = options.surroundings_of(document.source.name).moved
    for step, base in document.froms:
        if move := moved.get(step.number):
            yield Hit(
                step,
                f"{base.image.text} is another image than at the last build: {move.now} instead "
                f"of {move.before}",
                base.image.span,
            )


RULE = Rule("WH1004", Level.WARNING, "The base image has moved since the last build", check)
