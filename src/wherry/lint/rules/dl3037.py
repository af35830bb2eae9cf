"""Packages of zypper should have a version.

Bad:

    FROM opensuse/leap:15.6
    RUN zypper install -y curl && zypper clean

Good:

    FROM opensuse/leap:15.6
    RUN zypper install -y curl=8.6.0 && zypper clean
"""

from wherry.lint.finding import Level
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command

_INSTALL = ("install", "in")


def _is_wrong(command: Command) -> bool:
    if command.name != "zypper" or not command.has_any(*_INSTALL):
        return False
    return any(
        not set("=<>") & set(word.text) and not word.text.endswith(".rpm")
        for word in command.operands()
        if word.text not in _INSTALL
    )


RULE = Rule(
    "DL3037",
    Level.WARNING,
    "Specify version with `zypper install -y <package>=<version>`.",
    in_commands(_is_wrong),
)
