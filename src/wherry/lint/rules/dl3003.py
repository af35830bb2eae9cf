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

from wherry.dockerfile.instructions import Workdir
from wherry.lint.document import Document, RunStep, Step
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.paths import is_absolute
from wherry.lint.rule import Edit, Hit, Rule
from wherry.lint.shell import Command


def check(document: Document, options: Options) -> Iterator[Hit]:
    """In RUNs of this build; what ONBUILD defers is somebody else's folder."""
    del options
    for run in document.runs:
        if not run.step.is_trigger and run.script.uses("cd"):
            yield Hit(run.step)


def fix(document: Document) -> Iterator[Edit]:
    """`RUN cd /x && rest` into WORKDIR and `RUN rest`, where nobody sees the difference.

    That is where the next instruction sets another folder.
    """
    for run in document.runs:
        commands = run.script.commands
        if not commands or not _is_plain(run, commands[0]) or not _is_reset(document, run.step):
            continue
        first = commands[0]
        rest = first.end + run.text[first.end :].index("&&") + 2
        rest += len(run.text[rest:]) - len(run.text[rest:].lstrip())
        whole = run.run.keyword.span.start
        yield run.between(whole, rest), f"WORKDIR {first.words[0].text}\nRUN "


def _is_plain(run: RunStep, first: Command) -> bool:
    """Whether a RUN is `cd` to a known absolute path, `&&`, and other commands."""
    return (
        not run.step.is_trigger
        and not run.run.command.is_exec
        and not run.heredoc_only
        and not run.run.statement.flags
        and first.name == "cd"
        and first.start == 0
        and len(first.words) == 1
        and first.words[0].is_known
        and first.words[0].text.startswith("/")
        and not set(first.words[0].text) & set("$\\`*?[ ")
        and run.text[first.end :].lstrip().startswith("&&")
        and sum(command.name == "cd" for command in run.script.commands) == 1
    )


def _is_reset(document: Document, step: Step) -> bool:
    """Whether the next instruction is WORKDIR with an absolute path."""
    following = document.steps[step.number + 1 : step.number + 2]
    return any(
        isinstance(after.instruction, Workdir) and is_absolute(after.instruction.path.text)
        for after in following
    )


RULE = Rule(
    "DL3003",
    Level.WARNING,
    "Use WORKDIR to switch to a directory",
    check,
    fix,
)
