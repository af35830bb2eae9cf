"""Ports go up to 65535.

Bad:

    FROM debian:12
    EXPOSE 80000

Good:

    FROM debian:12
    EXPOSE 8000
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Expose
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

_HIGHEST = 65535


def _is_wrong(text: str) -> bool:
    port = text.rpartition(":")[2].partition("/")[0]
    return any(end.isdecimal() and int(end[:9]) > _HIGHEST for end in port.split("-"))


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, expose in document.instructions(Expose):
        if not step.is_trigger and any(_is_wrong(port.text) for port in expose.ports):
            yield Hit(step)


RULE = Rule("DL3011", Level.ERROR, "Valid UNIX ports range from 0 to 65535", check)
