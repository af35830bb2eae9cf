"""A host does not know the names of a container's users.

With a number, a cluster can tell that it is not root, and files on volumes have an owner that
means something outside.

Bad:

    FROM debian:12
    USER app

Good:

    FROM debian:12
    USER 1000
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Arg, User
from wherry.lazy import regex
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

_VARIABLE = regex(r"\$\{?([A-Za-z0-9_]+)")


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    arguments: set[str] = set()
    for step in document.of(Arg, User):
        instruction = step.instruction
        if isinstance(instruction, Arg):
            arguments |= {argument.name.text for argument in instruction.arguments}
        elif isinstance(instruction, User) and not step.is_trigger:
            user = instruction.user.text.partition(":")[0]
            if not user.isdecimal() and not arguments & set(_VARIABLE.findall(user)):
                yield Hit(step)


RULE = Rule(
    "DL3066",
    Level.INFO,
    "Non-numeric user-id may not be resolvable by host system",
    check,
)
