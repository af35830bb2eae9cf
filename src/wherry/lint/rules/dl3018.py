"""Packages of apk should have a version.

Bad:

    FROM alpine:3.20
    RUN apk add --no-cache curl

Good:

    FROM alpine:3.20
    RUN apk add --no-cache curl=8.9.1-r1
"""

from wherry.lint.finding import Level
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command

_SIGNS = ("=", "<", ">", "~")


def _is_wrong(command: Command) -> bool:
    if command.name != "apk" or not command.has_any("add"):
        return False
    return any(
        not any(sign in word.text for sign in _SIGNS) and not word.text.endswith(".apk")
        for word in command.operands("t", "virtual", "X", "repository")
        if word.text != "add"
    )


RULE = Rule(
    "DL3018",
    Level.WARNING,
    "Pin versions in apk add. Instead of `apk add <package>` use `apk add <package>=<version>`",
    in_commands(_is_wrong),
)
