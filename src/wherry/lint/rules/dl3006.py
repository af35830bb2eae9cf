"""A base image should have a tag.

Without one it is `latest`, which is another image tomorrow.

Bad:

    FROM debian

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
    names: set[str] = set()
    for step, base in document.froms:
        text = base.image.text
        image = ImageName.of(text)
        is_plain = text != "scratch" and not text.startswith("$")
        if is_plain and text not in names and not image.tag and not image.digest:
            yield Hit(step, span=base.image.span)
        if base.alias:
            names.add(base.alias.text)


RULE = Rule("DL3006", Level.WARNING, "Always tag the version of an image explicitly", check)
