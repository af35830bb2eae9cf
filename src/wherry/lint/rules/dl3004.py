"""A build has no use for sudo.

RUN is root until USER says otherwise. sudo changes the environment, may ask for a terminal, and
hides that a step runs as another user.

Bad:

    FROM debian:12
    RUN sudo make install

Good:

    FROM debian:12
    RUN make install
"""

from wherry.lint.finding import Level
from wherry.lint.rule import Rule, in_commands

RULE = Rule(
    "DL3004",
    Level.ERROR,
    "Do not use sudo as it leads to unpredictable behavior. Use a tool like gosu to enforce root",
    in_commands(lambda command: command.name == "sudo"),
)
