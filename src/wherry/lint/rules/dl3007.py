"""`latest` is no version.

The tag moves whenever the image's owner builds; two builds of one file then differ.

Bad:

    FROM debian:latest

Good:

    FROM debian:12
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.images import ImageName
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, base in document.froms:
        image = ImageName.of(base.image.text)
        if image.tag == "latest" and not image.digest:
            yield Hit(step, span=base.image.span)


RULE = Rule(
    "DL3007",
    Level.WARNING,
    "Using latest is prone to errors if the image will ever update. "
    "Pin the version explicitly to a release tag",
    check,
)
