"""`dnf install` asks, and a build cannot answer.

Bad:

    FROM fedora:40
    RUN dnf install httpd-2.4.62 && dnf clean all

Good:

    FROM fedora:40
    RUN dnf install -y httpd-2.4.62 && dnf clean all
"""

from wherry.lint.finding import Level
from wherry.lint.inserting import behind_word
from wherry.lint.rpm import DNF
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command

_ASKING = ("install", "groupinstall", "localinstall")


def _is_wrong(command: Command) -> bool:
    return (
        command.name in DNF and command.has_any(*_ASKING) and not command.has_flag("y", "assumeyes")
    )


RULE = Rule(
    "DL3038",
    Level.WARNING,
    "Use the -y switch to avoid manual input `dnf install -y <package>`",
    in_commands(_is_wrong),
    behind_word(_is_wrong, _ASKING, "-y"),
)
