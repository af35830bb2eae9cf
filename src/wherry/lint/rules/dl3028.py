"""Gems should have a version.

Bad:

    FROM ruby:3.3
    RUN gem install rake

Good:

    FROM ruby:3.3
    RUN gem install rake:13.2.1
"""

from collections.abc import Iterator

from wherry.lint.finding import Level
from wherry.lint.rule import Pin, Rule, in_commands
from wherry.lint.shell import Command, Word

_INSTALL = ("install", "i")
_VERSION = ("-v", "--version")


def _unpinned(command: Command) -> Iterator[Word]:
    if command.name != "gem" or not command.has_any(*_INSTALL):
        return
    if any(text in _VERSION or text.startswith("--version=") for text in command.texts):
        return
    words = iter(command.words)
    for word in words:
        if word.text == "--":
            return
        if word.is_flag:
            next(words, None)  # its value, as far as hadolint can tell
        elif word.text not in _INSTALL and ":" not in word.text:
            yield word


RULE = Rule(
    "DL3028",
    Level.WARNING,
    "Pin versions in gem install. Instead of `gem install <gem>` use `gem install <gem>:<version>`",
    in_commands(lambda command: any(_unpinned(command))),
    pin=Pin("gem", ":", _unpinned),
)
