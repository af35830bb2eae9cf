"""Repairs that put a flag into a command."""

from collections.abc import Callable, Iterator

from wherry.dockerfile.source import Span
from wherry.lint.document import Document, RunStep
from wherry.lint.rule import Edit, Fix
from wherry.lint.shell import Command

Wanted = Callable[[Command], bool]


def _any_run(run: RunStep) -> bool:
    del run
    return True


def behind_word(
    is_wrong: Wanted,
    words: str | tuple[str, ...],
    flag: str,
    *,
    of: Callable[[RunStep], bool] = _any_run,
) -> Fix:
    """A repair that puts `flag` behind the first of `words` in each wrong command."""
    after = (words,) if isinstance(words, str) else words

    def fix(document: Document) -> Iterator[Edit]:
        for run in document.runs:
            for command in run.script.commands if of(run) else ():
                if is_wrong(command):
                    yield from insertion_behind(run, command, after, flag)

    return fix


def behind_name(is_wrong: Wanted, flag: str | Callable[[Document, RunStep], str]) -> Fix:
    """A repair that puts a flag behind the program's name in each wrong command."""

    def fix(document: Document) -> Iterator[Edit]:
        for run in document.runs:
            for command in run.script.commands:
                if is_wrong(command):
                    text = flag if isinstance(flag, str) else flag(document, run)
                    yield from _insertion(run, command.name_end, text)

    return fix


def insertion_behind(
    run: RunStep, command: Command, after: tuple[str, ...], flag: str
) -> Iterator[Edit]:
    """`flag` behind the first word of `command` that is one of `after`."""
    for word in command.words:
        if word.text in after:
            yield from _insertion(run, word.end, flag)
            return


def _insertion(run: RunStep, index: int, flag: str) -> Iterator[Edit]:
    if run.run.command.is_exec:
        return  # the text is not the file's
    at = run.offset(index - 1) + 1
    yield Span(at, at), f" {flag}"
