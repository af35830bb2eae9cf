"""SHELL chooses the shell of RUN; a link in place of /bin/sh changes it for every program.

Bad:

    FROM debian:12
    RUN ln -sf /bin/bash /bin/sh

Good:

    FROM debian:12
    SHELL ["/bin/bash", "-c"]
"""

from wherry.lint.finding import Level
from wherry.lint.rule import Rule, in_commands

RULE = Rule(
    "DL4005",
    Level.WARNING,
    "Use SHELL to change the default shell",
    in_commands(lambda command: command.name == "ln" and command.has_any("/bin/sh")),
)
