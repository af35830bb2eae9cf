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


def _unpinned(command: Command) -> Iterator[Word]:
    if command.name != "gem" or not command.has_any(*_INSTALL):
        return
    if any(text.partition("=")[0] in ("-v", "--version") for text in command.texts):
        return
    for word in command.words:
        if word.is_flag:
            return  # what follows flags are their values, as far as anyone can tell
        if word.text not in _INSTALL and ":" not in word.text:
            yield word


RULE = Rule(
    "DL3028",
    Level.WARNING,
    "Pin versions in gem install. Instead of `gem install <gem>` use `gem install <gem>:<version>`",
    in_commands(lambda command: any(_unpinned(command))),
    pin=Pin("gem", ":", _unpinned),
)
