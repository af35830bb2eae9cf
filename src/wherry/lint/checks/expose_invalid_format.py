"""EXPOSE names ports of the container, nothing of the host.

Bad:

    FROM alpine:3.20
    EXPOSE 127.0.0.1:80:80

Good:

    FROM alpine:3.20
    EXPOSE 80
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Expose
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, expose in document.instructions(Expose):
        for port in expose.ports:
            if ":" in port.text and "$" not in port.text:
                yield Hit(
                    step,
                    "EXPOSE instruction should not define an IP address or host-port mapping, "
                    f"found '{port}'",
                    port.span,
                )


RULE = Rule(
    "ExposeInvalidFormat",
    Level.WARNING,
    "IP address and host-port mapping should not be used in EXPOSE instruction. This will become "
    "an error in a future release",
    check,
)
