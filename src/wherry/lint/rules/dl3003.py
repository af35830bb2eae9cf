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
from wherry.dockerfile.source import Span
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

    That is where the next instruction sets another folder, or an earlier one of the stage says
    which one is to be gone back to.
    """
    for run in document.runs:
        commands = run.script.commands
        if not commands or not _is_plain(run, commands[0]):
            continue
        back = _folder_before(document, run.step)
        if not _is_reset(document, run.step) and not back:
            continue
        first = commands[0]
        rest = first.end + run.text[first.end :].index("&&") + 2
        rest += len(run.text[rest:]) - len(run.text[rest:].lstrip())
        whole = run.run.keyword.span.start
        front = f"WORKDIR {first.words[0].text}\nRUN "
        if _is_reset(document, run.step):
            yield run.between(whole, rest), front
        else:
            # One edit, since the way there and the way back make sense together only.
            end = run.step.span.end
            kept = document.source.text[run.offset(rest) : end].replace("\r\n", "\n")
            yield Span(whole, end), f"{front}{kept}\nWORKDIR {back}"


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


def _folder_before(document: Document, step: Step) -> str:
    """Where the stage is in front of `step`, if its own WORKDIR says so in full; else ""."""
    folder = ""
    for before, workdir in document.instructions(Workdir):
        if before.stage == step.stage and before.number < step.number and not before.is_trigger:
            text = workdir.path.text
            folder = text if text.startswith("/") and not set(text) & set("$\\\"' ") else ""
    return folder


RULE = Rule(
    "DL3003",
    Level.WARNING,
    "Use WORKDIR to switch to a directory",
    check,
    fix,
)
