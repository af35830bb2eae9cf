"""`apt-get install` asks, and a build cannot answer.

Bad:

    FROM debian:12
    RUN apt-get install --no-install-recommends curl=7.88.1-10

Good:

    FROM debian:12
    RUN apt-get install -y --no-install-recommends curl=7.88.1-10
"""

from wherry.lint.finding import Level
from wherry.lint.inserting import behind_word
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command

_QUIET_ENOUGH = 2


def _is_wrong(command: Command) -> bool:
    if command.name != "apt-get" or not command.has_any("install"):
        return False
    return not (
        command.has_flag("y", "yes", "assume-yes")
        or command.has_any("-q=2", "--quiet=2")
        or command.flags.count("q") == _QUIET_ENOUGH
        or command.flags.count("quiet") == _QUIET_ENOUGH
    )


RULE = Rule(
    "DL3014",
    Level.WARNING,
    "Use the `-y` switch to avoid manual input `apt-get -y install <package>`",
    in_commands(_is_wrong),
    behind_word(_is_wrong, "install", "-y"),
)
