"""Packages of apk should have a version.

Bad:

    FROM alpine:3.20
    RUN apk add --no-cache curl

Good:

    FROM alpine:3.20
    RUN apk add --no-cache curl=8.9.1-r1
"""

from collections.abc import Iterator

from wherry.lint.finding import Level
from wherry.lint.rule import Pin, Rule, in_commands
from wherry.lint.shell import Command, Word

_SIGNS = ("=", "<", ">", "~")


def _unpinned(command: Command) -> Iterator[Word]:
    if command.name == "apk" and command.has_any("add"):
        for word in command.operands("t", "virtual", "X", "repository"):
            has_version = any(sign in word.text for sign in _SIGNS) or word.text.endswith(".apk")
            if word.text != "add" and not has_version:
                yield word


RULE = Rule(
    "DL3018",
    Level.WARNING,
    "Pin versions in apk add. Instead of `apk add <package>` use `apk add <package>=<version>`",
    in_commands(lambda command: any(_unpinned(command))),
    pin=Pin("apk", "=", _unpinned),
)
