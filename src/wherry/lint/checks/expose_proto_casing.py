"""Protocols are in small letters.

Bad:

    FROM alpine:3.20
    EXPOSE 80/TCP

Good:

    FROM alpine:3.20
    EXPOSE 80/tcp
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Expose
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, expose in document.instructions(Expose):
        for port in expose.ports:
            protocol = port.text.partition("/")[2]
            if "$" not in port.text and protocol != protocol.lower():
                message = f"Defined protocol '{port}' in EXPOSE instruction should be lowercase"
                yield Hit(step, message, port.span)


def fix(document: Document) -> Iterator[Edit]:
    for hit in check(document, Options()):
        if hit.span is not None:
            yield hit.span, document.source.slice(hit.span).lower()


RULE = Rule(
    "ExposeProtoCasing",
    Level.WARNING,
    "Protocol in EXPOSE instruction should be lowercase",
    check,
    fix,
)
