"""What is no Dockerfile does not build.

A build stops at the first thing that it cannot read, and so does the linter: lines behind it often
only follow from it, as those behind a missing backslash. Nothing else is found in such a file. The
rule can be neither ignored nor given another level.

Bad:

    FROM debian:12
    RUN apt-get update &&
        apt-get install -y curl=7.88.1

Good:

    FROM debian:12
    RUN apt-get update && \\
        apt-get install -y curl=7.88.1
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    """The first fault; where hadolint's parser counts, of its too."""
    faults = [(problem.span, problem.message) for problem in document.problems]
    if options.strict_hadolint:
        from wherry.lint.refusals import refusals  # for those who ask

        faults += [
            (refusal.span, f"hadolint cannot read {refusal.reason}")
            for refusal in refusals(document)
        ]
    for span, message in sorted(faults)[:1]:
        yield Hit(None, message, span)


RULE = Rule("DL1000", Level.ERROR, "the file is no Dockerfile", check)
