"""Keywords should all be in capitals, or all in small letters.

Bad:

    FROM alpine:3.20
    Run a
    CMD ["b"]

Good:

    FROM alpine:3.20
    RUN a
    CMD ["b"]
"""

from collections.abc import Iterator

from wherry.lint.document import Document, Step
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Hit, Rule


def _majority_is_lower(document: Document) -> bool:
    keywords = [step.instruction.keyword.text for step in document.steps if not step.is_trigger]
    return sum(word.islower() for word in keywords) > sum(word.isupper() for word in keywords)


def _wrong(document: Document, *, lower: bool) -> Iterator[Step]:
    for step in document.steps:
        keyword = step.instruction.keyword.text
        if not step.is_trigger and keyword != (keyword.lower() if lower else keyword.upper()):
            yield step


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    lower = _majority_is_lower(document)
    casing = "lowercase" if lower else "uppercase"
    for step in _wrong(document, lower=lower):
        keyword = step.instruction.keyword
        yield Hit(
            step,
            f"Command '{keyword.text}' should match the case of the command majority ({casing})",
            keyword.span,
        )


def fix(document: Document) -> Iterator[Edit]:
    lower = _majority_is_lower(document)
    for step in _wrong(document, lower=lower):
        keyword = step.instruction.keyword
        yield keyword.span, keyword.text.lower() if lower else keyword.text.upper()


RULE = Rule(
    "ConsistentInstructionCasing",
    Level.WARNING,
    "All commands within the Dockerfile should use the same casing (either upper or lower)",
    check,
    fix,
)
