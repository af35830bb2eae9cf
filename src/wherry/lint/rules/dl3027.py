"""`apt` is for people; its output and flags may change.

Bad:

    FROM debian:12
    RUN apt install -y curl

Good:

    FROM debian:12
    RUN apt-get install -y --no-install-recommends curl=7.88.1-10
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.rule import Edit, Rule, in_commands

_SAME = ("update", "install", "remove", "purge", "autoremove", "autopurge", "clean", "autoclean")
"""What apt-get does in the same way. Its upgrade leaves out what apt's brings in."""


def fix(document: Document) -> Iterator[Edit]:
    """apt-get, where it knows the subcommand."""
    for run in document.runs:
        for apt in run.script.calls("apt") if not run.run.command.is_exec else ():
            subcommand = next((word.text for word in apt.operands("o", "c", "t")), "")
            if subcommand in _SAME:
                yield run.span(apt.start, apt.name_end), "apt-get"


RULE = Rule(
    "DL3027",
    Level.WARNING,
    "Do not use apt as it is meant to be an end-user tool, use apt-get or apt-cache instead",
    in_commands(lambda command: command.name == "apt"),
    fix,
    uncovers=True,
)
