"""A base image is of the target's platform anyway.

Bad:

    FROM --platform=$TARGETPLATFORM alpine:3.20

Good:

    FROM alpine:3.20
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

_REDUNDANT = ("$TARGETPLATFORM", "${TARGETPLATFORM}")


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, base in document.froms:
        if base.platform and base.platform.text in _REDUNDANT:
            yield Hit(
                step,
                f"Setting platform to predefined {base.platform.text} in FROM is redundant as "
                "this is the default behavior",
                base.platform.span,
            )


RULE = Rule(
    "RedundantTargetPlatform",
    Level.WARNING,
    "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default "
    "behavior",
    check,
)
