"""Commands of one RUN in a row: whether they clean up, and how to add or join some."""

from collections.abc import Callable, Iterator
from itertools import pairwise

from wherry.dockerfile.source import Span
from wherry.lint.document import Document, RunStep, Step
from wherry.lint.rule import Edit
from wherry.lint.shell import Command, Script

_KEEPS_STATE = (
    *("cd", "export", "set", "unset", "source", ".", "exec", "exit", "alias", "shopt", "umask"),
    *("ulimit", "trap", "declare", "typeset", "readonly", "local", "eval"),
)
_APT = {"apt", "apt-get", "aptitude"}


def is_cleaned_up(
    script: Script, fetches: Callable[[Command], bool], cleans: Callable[[Command], bool]
) -> bool:
    """Whether the first command that cleans up is behind the first that fetches; or none fetches.

    Where one cleans up in front of all, none behind it counts: hadolint's way.
    """
    fetch, clean = (
        next((at for at, command in enumerate(script.commands) if is_it(command)), None)
        for is_it in (fetches, cleans)
    )
    return fetch is None or (clean is not None and fetch < clean)


def is_joinable(run: RunStep) -> bool:
    """Whether a RUN can have commands in front or behind without another meaning.

    One command, or several with `&&` between; nothing that stays set in the shell.
    """
    text = run.text
    return (
        not run.run.command.is_exec
        and not run.run.files
        and not run.shell
        and run.script.is_sound
        and bool(run.script.commands)
        and not run.script.assignments
        and not run.script.uses(*_KEEPS_STATE)
        and not any(sign in text.replace("&&", "").replace("2>&1", "") for sign in "&;|#({`\n")
        and not text.rstrip().endswith("\\")
        and not text.lstrip().startswith("!")
    )


def appended(document: Document, step: Step | None, command: str) -> Iterator[Edit]:
    """The edit that adds `&& command` at the end of a RUN, where it can stand there."""
    run = next((run for run in document.runs if run.step is step), None)
    if run is None or run.step.is_trigger or not is_joinable(run) or not _may_run(document, run):
        return
    at = run.span(0, len(run.text)).end
    yield Span(at, at), f"{_link(document, run)}{command}"


def _may_run(document: Document, run: RunStep) -> bool:
    """Whether nothing later in its stage, or in one built on it, uses what would be removed."""
    programs = {command.name for command in run.script.commands}
    if programs & _APT:
        programs |= _APT
    return not any(
        # Also as an argument: of xargs, of env, of timeout.
        programs & {command.name, *command.texts}
        for later in document.runs
        for command in later.script.commands
        if later.step.number > run.step.number
        and (
            later.step.is_trigger
            or later.step.stage == run.step.stage
            or run.step.stage in document.ancestry(later.step.stage)
        )
    )


def joined(document: Document, first: RunStep, second: RunStep) -> Edit | None:
    """The edit that makes one RUN of two, or None where something stands between them."""
    end = first.span(0, len(first.text)).end
    start = second.offset(0)
    between = document.source.text[end : second.run.keyword.span.start]
    if between.strip():
        return None
    styled = first if "\n" in document.source.slice(first.step.span) else second
    return Span(end, start), _link(document, styled)


def _link(document: Document, run: RunStep) -> str:
    """What stands between two commands of a RUN, each on its line, in the RUN's own style."""
    escape = document.escape
    lines = [line.rstrip() for line in document.source.slice(run.step.span).split("\n")]
    for before, line in reversed(list(pairwise(lines))):
        indent = line[: len(line) - len(line.lstrip())]
        if line.lstrip().startswith("&&"):
            return f" {escape}\n{indent}&& "
        if before.removesuffix(escape).rstrip().endswith("&&") and line:
            return f" && {escape}\n{indent}"
    return f" {escape}\n && "
