"""zypper asks, and a build cannot answer.

Bad:

    FROM opensuse/leap:15.6
    RUN zypper install curl=8.6.0 && zypper clean

Good:

    FROM opensuse/leap:15.6
    RUN zypper install -y curl=8.6.0 && zypper clean
"""

from wherry.lint.finding import Level
from wherry.lint.inserting import behind_word
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command

_ASKING = ("install", "in", "remove", "rm", "source-install", "si", "patch")


def _is_wrong(command: Command) -> bool:
    return (
        command.name == "zypper"
        and command.has_any(*_ASKING)
        and not command.has_flag("n", "non-interactive", "y", "no-confirm")
    )


RULE = Rule(
    "DL3034",
    Level.WARNING,
    "Non-interactive switch missing from `zypper` command: `zypper install -y`",
    in_commands(_is_wrong),
    behind_word(_is_wrong, _ASKING, "-y"),
)
