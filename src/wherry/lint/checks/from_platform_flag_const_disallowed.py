"""FROM should not fix the platform, unless the stage is named for it.

Bad:

    FROM --platform=linux/amd64 alpine:3.20 AS base

Good:

    FROM --platform=$BUILDPLATFORM alpine:3.20 AS base
"""

from collections.abc import Iterator

from wherry.go_text import quoted
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, base in document.froms:
        platform = base.platform
        if platform is None or "$" in platform.text:
            continue
        if not any(part and part in base.stage_name for part in platform.text.lower().split("/")):
            text = quoted(platform.text)
            message = f"FROM --platform flag should not use constant value {text}"
            yield Hit(step, message, platform.span)


RULE = Rule(
    "FromPlatformFlagConstDisallowed",
    Level.WARNING,
    "FROM --platform flag should not use a constant value",
    check,
)
