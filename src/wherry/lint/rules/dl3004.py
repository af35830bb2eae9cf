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

from collections.abc import Iterable, Iterator

from wherry.dockerfile.instructions import User
from wherry.lint.document import Document, RunStep
from wherry.lint.finding import Level
from wherry.lint.images import ImageName
from wherry.lint.rule import Edit, Rule, in_commands

_ROOTS = ("debian", "ubuntu", "alpine", "fedora", "centos", "rockylinux", "almalinux", "scratch")
"""Images whose RUNs are root until a USER says otherwise."""


def fix(document: Document) -> Iterator[Edit]:
    """The command without it, where it has no flags and root called it."""
    yield from _without([run for run in document.runs if _is_roots(document, run)])


def unsafe_fix(document: Document) -> Iterator[Edit]:
    """The same anywhere: a USER in front, or the image's, may have needed it."""
    yield from _without(document.runs)


def _is_roots(document: Document, run: RunStep) -> bool:
    stages = list(document.ancestry(run.step.stage))
    if not stages or run.step.is_trigger:
        return False
    image = ImageName.of(document.froms[stages[-1]][1].image.text)
    has_user = any(
        step.stage in stages and step.number < run.step.number for step in document.of(User)
    )
    return not has_user and not image.domain and image.path in _ROOTS


def _without(runs: Iterable[RunStep]) -> Iterator[Edit]:
    for run in runs:
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
    fix,
    unsafe_fix=unsafe_fix,
    uncovers=True,
)
