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

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.rule import Edit, Rule, in_commands


def unsafe_fix(document: Document) -> Iterator[Edit]:
    """The command without it, where it has no flags; a USER in front may have needed it."""
    for run in document.runs:
        for sudo in run.script.calls("sudo"):
            first = sudo.words[0] if sudo.words else None
            is_plain = first is not None and not first.is_flag and "=" not in first.text
            if first is not None and is_plain and not run.run.command.is_exec:
                yield run.between(run.offset(sudo.start), first.start), ""


RULE = Rule(
    "DL3004",
    Level.ERROR,
    "Do not use sudo as it leads to unpredictable behavior. Use a tool like gosu to enforce root",
    in_commands(lambda command: command.name == "sudo"),
    unsafe_fix=unsafe_fix,
)
