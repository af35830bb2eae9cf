"""Recommended packages are rarely needed in an image.

Bad:

    FROM debian:12
    RUN apt-get install -y curl=7.88.1-10

Good:

    FROM debian:12
    RUN apt-get install -y --no-install-recommends curl=7.88.1-10
"""

from wherry.lint.finding import Level
from wherry.lint.inserting import behind_word
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command

_OFF = "APT::Install-Recommends=false"


def _is_wrong(command: Command) -> bool:
    return (
        command.name == "apt-get"
        and command.has_any("install")
        and not command.has_flag("no-install-recommends")
        and not command.has_any(_OFF)
    )


RULE = Rule(
    "DL3015",
    Level.INFO,
    "Avoid additional packages by specifying `--no-install-recommends`",
    in_commands(_is_wrong),
    behind_word(_is_wrong, "install", "--no-install-recommends"),
)
