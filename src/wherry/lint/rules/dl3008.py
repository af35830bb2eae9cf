"""Packages of apt-get should have a version.

A build then gives the same image until the line changes, and the cache knows when it did.

Bad:

    FROM debian:12
    RUN apt-get install -y --no-install-recommends curl

Good:

    FROM debian:12
    RUN apt-get install -y --no-install-recommends curl=7.88.1-10
"""

from wherry.lint.finding import Level
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command


def _is_wrong(command: Command) -> bool:
    if command.name != "apt-get" or not command.has_any("install"):
        return False
    return any(
        "=" not in word.text and "/" not in word.text and not word.text.endswith(".deb")
        for word in command.operands("t", "target-release")
        if word.text != "install"
    )


RULE = Rule(
    "DL3008",
    Level.WARNING,
    "Pin versions in apt get install. Instead of `apt-get install <package>` "
    "use `apt-get install <package>=<version>`",
    in_commands(_is_wrong),
)
