"""Packages of apt-get should have a version.

A build then gives the same image until the line changes, and the cache knows when it did.

Bad:

    FROM debian:12
    RUN apt-get install -y --no-install-recommends curl

Good:

    FROM debian:12
    RUN apt-get install -y --no-install-recommends curl=7.88.1-10
"""

from collections.abc import Iterator

from wherry.lint.finding import Level
from wherry.lint.rule import Pin, Rule, in_commands
from wherry.lint.shell import Command, Word


def _unpinned(command: Command) -> Iterator[Word]:
    if command.name == "apt-get" and command.has_any("install"):
        for word in command.operands("t", "target-release"):
            has_version = "=" in word.text or "/" in word.text or word.text.endswith(".deb")
            if word.text != "install" and not has_version:
                yield word


RULE = Rule(
    "DL3008",
    Level.WARNING,
    "Pin versions in apt get install. Instead of `apt-get install <package>` "
    "use `apt-get install <package>=<version>`",
    in_commands(lambda command: any(_unpinned(command))),
    pin=Pin("apt", "=", _unpinned),
)
