"""Instructions of which a stage has one."""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Instruction
from wherry.lint.document import Document
from wherry.lint.options import Options
from wherry.lint.rule import Check, Hit


def only_once(kind: type[Instruction]) -> Check:
    """A check that finds each but the first of its kind in a stage."""

    def check(document: Document, options: Options) -> Iterator[Hit]:
        del options
        stages: set[int] = set()
        for step in document.of(kind):
            if step.is_trigger:
                continue
            if step.stage in stages:
                yield Hit(step)
            stages.add(step.stage)

    return check
