"""Inline pragmas hide findings.

Off unless it is given a level. A team that wants every exception in one place, the configuration
file, turns it on to find those that stand between the instructions.

Bad:

    FROM debian:12
    # hadolint ignore=DL3003
    RUN cd /tmp

Good:

    FROM debian:12
    WORKDIR /tmp
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.pragmas import read_pragmas
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for pragma in read_pragmas(document).of_lines:
        yield Hit(None, span=pragma.span)


RULE = Rule(
    "DL1001",
    Level.IGNORE,
    "Please refrain from using inline ignore pragmas  `# hadolint ignore=DLxxxx`.",
    check,
)
