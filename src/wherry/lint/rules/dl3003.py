"""WORKDIR changes the folder for good, `cd` only for one RUN.

Each RUN starts again where WORKDIR says, so a `cd` is easily taken to last longer than it does.

Bad:

    FROM debian:12
    RUN cd /srv && make

Good:

    FROM debian:12
    WORKDIR /srv
    RUN make
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.rule import Edit, Rule, in_commands


def fix(document: Document) -> Iterator[Edit]:
    """`RUN cd /x && rest` as the first thing of a RUN: WORKDIR, which stays for what follows.

    Left alone where something follows in the stage, since it would run elsewhere.
    """
    for run in document.runs:
        commands = run.script.commands
        if run.step.is_trigger or run.run.command.is_exec or run.heredoc_only or not commands:
            continue
        first = commands[0]
        is_last = not any(
            step.stage == run.step.stage and step.number > run.step.number
            for step in document.steps
        )
        behind = run.text[first.end :].lstrip()
        if (
            first.name != "cd"
            or first.start != 0
            or not is_last
            or run.run.statement.flags
            or not behind.startswith("&&")
            or len(first.words) != 1
            or not first.words[0].is_known
            or not first.words[0].text.startswith("/")
            or any(command.name == "cd" for command in commands[1:])
        ):
            continue
        rest = first.end + run.text[first.end :].index("&&") + 2
        rest += len(run.text[rest:]) - len(run.text[rest:].lstrip())
        whole = run.run.keyword.span.start
        yield run.between(whole, rest), f"WORKDIR {first.words[0].text}\nRUN "


RULE = Rule(
    "DL3003",
    Level.WARNING,
    "Use WORKDIR to switch to a directory",
    in_commands(lambda command: command.name == "cd"),
)
