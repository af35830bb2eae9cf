"""Packages of zypper should have a version.

Bad:

    FROM opensuse/leap:15.6
    RUN zypper install -y curl && zypper clean

Good:

    FROM opensuse/leap:15.6
    RUN zypper install -y curl=8.6.0 && zypper clean
"""

from collections.abc import Iterator

from wherry.lint.finding import Level
from wherry.lint.rule import Pin, Rule, in_commands
from wherry.lint.shell import Command, Word

_INSTALL = ("install", "in")


def _unpinned(command: Command) -> Iterator[Word]:
    if command.name == "zypper" and command.has_any(*_INSTALL):
        for word in command.operands():
            is_package = word.text not in _INSTALL and not word.text.endswith(".rpm")
            if is_package and not set("=<>") & set(word.text):
                yield word


RULE = Rule(
    "DL3037",
    Level.WARNING,
    "Specify version with `zypper install -y <package>=<version>`.",
    in_commands(lambda command: any(_unpinned(command))),
    pin=Pin("rpm", "=", _unpinned),
)
