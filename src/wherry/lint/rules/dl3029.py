"""FROM should not fix the platform.

The image is then built for that one alone. `$BUILDPLATFORM`, for stages that cross-compile, and
`$TARGETPLATFORM` are fine.

Bad:

    FROM --platform=linux/amd64 debian:12

Good:

    FROM debian:12
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, base in document.froms:
        if base.platform and not any(
            name in base.platform.text for name in ("BUILDPLATFORM", "TARGETPLATFORM")
        ):
            yield Hit(step, span=base.platform.span)


RULE = Rule("DL3029", Level.WARNING, "Do not use --platform flag with FROM", check)
