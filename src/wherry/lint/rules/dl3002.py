"""The last USER should not be root.

What runs in the container runs as that user. A flaw in it then has root's reach: over the
container's files, over volumes, and over the kernel's larger attack surface.

Bad:

    FROM debian:12
    USER root

Good:

    FROM debian:12
    USER 1000
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import User
from wherry.lint.document import Document, Step
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

_ROOT = ("root", "0")


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    last: dict[int, tuple[Step, str]] = {}
    for step, user in document.instructions(User):
        if not step.is_trigger:
            last[step.stage] = step, user.user.text
    for step, text in last.values():
        if text.split(":")[0] in _ROOT:
            yield Hit(step)


RULE = Rule("DL3002", Level.WARNING, "Last USER should not be root", check)
