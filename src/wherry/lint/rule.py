"""What a rule is: a code, a level, a sentence, a check, and for some a repair."""

from collections.abc import Callable, Iterable, Iterator

from wherry.dockerfile.source import Span
from wherry.lint.document import Document, RunStep, Step
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.shell import Command, Word
from wherry.values import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule found: in a step, or without one in a place that is none's.

    `message` is given where it is not the rule's own.
    """

    step: Step | None
    message: str = ""
    span: Span | None = None
    """What is wrong, if less than the step."""


Check = Callable[[Document, Options], Iterable[Hit]]
Edit = tuple[Span, str]
Fix = Callable[[Document], Iterable[Edit]]
"""Edits that leave no hit of the rule where they can; spans do not overlap."""


@dataclass(frozen=True, slots=True)
class Pin:
    """How the packages of a command get versions: `sign` stands between name and version."""

    manager: str
    sign: str
    unpinned: Callable[[Command], Iterable[Word]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`check` finds the hits in a document."""

    code: str
    level: Level
    message: str
    check: Check
    fix: Fix | None = None
    unsafe_fix: Fix | None = None
    """What does more, and may change what is built."""
    uncovers: bool = False
    """Whether other rules look at what is repaired only then: it is judged with their repairs."""
    pin: Pin | None = None
    """How packages get the versions that an image has; unsafe too."""
    is_experimental: bool = False
    """Whether it is only for those who ask for it by name."""


def in_runs(is_wrong: Callable[[RunStep], bool]) -> Check:
    """A check of each RUN, those that ONBUILD defers among them."""

    def check(document: Document, options: Options) -> Iterator[Hit]:
        del options
        for run in document.runs:
            if is_wrong(run):
                yield Hit(run.step)

    return check


def in_commands(is_wrong: Callable[[Command], bool]) -> Check:
    """A check of each command of each RUN; the first that is wrong is one hit of its RUN."""

    def check(document: Document, options: Options) -> Iterator[Hit]:
        del options
        for run in document.runs:
            for command in run.script.commands:
                if is_wrong(command):
                    yield Hit(run.step, span=run.span(command.start, command.end))
                    break

    return check
