"""COPY to a relative path needs a WORKDIR.

Without one it lands wherever the base image's is.

Bad:

    FROM debian:12
    COPY app.py app.py

Good:

    FROM debian:12
    WORKDIR /srv
    COPY app.py app.py
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Copy, Workdir
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.paths import is_absolute
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    has_workdir: set[int] = set()
    for step in document.of(Copy, Workdir):
        if step.is_trigger:
            continue
        if isinstance(step.instruction, Workdir):
            has_workdir.add(step.stage)
        elif isinstance(step.instruction, Copy):
            stages = {step.stage, *document.ancestry(step.stage)}
            if not stages & has_workdir and not is_absolute(step.instruction.destination.text):
                yield Hit(step, span=step.instruction.destination.span)


RULE = Rule(
    "DL3045",
    Level.WARNING,
    "`COPY` to a relative destination without `WORKDIR` set.",
    check,
)
