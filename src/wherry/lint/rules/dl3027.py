"""`apt` is for people; its output and flags may change.

Bad:

    FROM debian:12
    RUN apt install -y curl

Good:

    FROM debian:12
    RUN apt-get install -y --no-install-recommends curl=7.88.1-10
"""

from wherry.lint.finding import Level
from wherry.lint.rule import Rule, in_commands

RULE = Rule(
    "DL3027",
    Level.WARNING,
    "Do not use apt as it is meant to be an end-user tool, use apt-get or apt-cache instead",
    in_commands(lambda command: command.name == "apt"),
)
