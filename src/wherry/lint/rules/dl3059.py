"""RUNs in a row can be one.

Each makes a layer. What one leaves behind, the next can hide but not remove.

Bad:

    FROM debian:12
    RUN first
    RUN second

Good:

    FROM debian:12
    RUN first && second
"""

from collections.abc import Iterator
from itertools import pairwise

from wherry.dockerfile.instructions import Run
from wherry.lint.chains import is_joinable, joined
from wherry.lint.document import Document, RunStep
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Hit, Rule


def _flags(run: RunStep) -> list[tuple[str, str | None]]:
    return sorted((flag.name, flag.value) for flag in run.run.statement.flags)


def _pairs(document: Document) -> Iterator[tuple[RunStep, RunStep]]:
    """RUNs one right behind the other, with the same flags, of one command each."""
    runs = {run.step.number: run for run in document.runs}
    steps = [step for step in document.steps if not step.is_trigger]
    for before, after in pairwise(steps):
        if not isinstance(before.instruction, Run) or not isinstance(after.instruction, Run):
            continue
        first, second = runs[before.number], runs[after.number]
        if _flags(first) == _flags(second) and _count(first) <= 1 and _count(second) <= 1:
            yield first, second


def _count(run: RunStep) -> int:
    # What a variable names is no command that hadolint could count.
    return sum("$" not in command.name for command in run.script.commands)


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for _, second in _pairs(document):
        yield Hit(second.step)


def fix(document: Document) -> Iterator[Edit]:
    """`RUN a` and `RUN b` into `RUN a \\\\ && b`, where only blanks are between them."""
    for first, second in _pairs(document):
        if is_joinable(first) and is_joinable(second):
            edit = joined(document, first, second)
            if edit is not None:
                yield edit


RULE = Rule(
    "DL3059",
    Level.INFO,
    "Multiple consecutive `RUN` instructions. Consider consolidation.",
    check,
    fix,
)
