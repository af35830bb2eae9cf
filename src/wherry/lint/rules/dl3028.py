"""Gems should have a version.

Bad:

    FROM ruby:3.3
    RUN gem install rake

Good:

    FROM ruby:3.3
    RUN gem install rake:13.2.1
"""

from wherry.lint.finding import Level
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command

_INSTALL = ("install", "i")


def _is_wrong(command: Command) -> bool:
    if command.name != "gem" or not command.has_any(*_INSTALL):
        return False
    if any(text.partition("=")[0] in ("-v", "--version") for text in command.texts):
        return False
    for word in command.words:
        if word.is_flag:
            return False  # what follows flags are their values, as far as anyone can tell
        if word.text not in _INSTALL and ":" not in word.text:
            return True
    return False


RULE = Rule(
    "DL3028",
    Level.WARNING,
    "Pin versions in gem install. Instead of `gem install <gem>` use `gem install <gem>:<version>`",
    in_commands(_is_wrong),
)
