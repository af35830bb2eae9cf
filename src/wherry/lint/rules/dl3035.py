"""`zypper dist-upgrade` turns the base image into another distribution.

Bad:

    FROM opensuse/leap:15.6
    RUN zypper dist-upgrade

Good:

    FROM opensuse/leap:15.7
"""

from wherry.lint.finding import Level
from wherry.lint.rule import Rule, in_commands

RULE = Rule(
    "DL3035",
    Level.WARNING,
    "Do not use `zypper dist-upgrade`.",
    in_commands(
        lambda command: command.name == "zypper" and command.has_any("dist-upgrade", "dup")
    ),
)
