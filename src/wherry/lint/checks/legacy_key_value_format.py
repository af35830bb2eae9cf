"""Names and values have an equals sign between them.

Bad:

    FROM alpine:3.20
    ENV DEPS curl git

Good:

    FROM alpine:3.20
    ENV DEPS="curl git"
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Env, Label
from wherry.dockerfile.source import Span
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step in document.of(Env, Label):
        instruction = step.instruction
        if isinstance(instruction, Env | Label) and instruction.pairs[0].legacy:
            name = instruction.NAME
            yield Hit(
                step,
                f'"{name} key=value" should be used instead of legacy "{name} key value" format',
            )


def fix(document: Document) -> Iterator[Edit]:
    """An equals sign, and quotes where the value has blanks; on one line, without specials."""
    for hit in check(document, Options()):
        instruction = hit.step.instruction if hit.step else None
        if not isinstance(instruction, Env | Label):
            continue
        pair = instruction.pairs[0]
        text = document.source.slice(pair.value.span)
        if set(text) & set("\n\"'\\`"):
            continue
        blanks = Span(pair.name.span.end, pair.value.span.end)
        yield blanks, f'="{text}"' if " " in text or "\t" in text else f"={text}"


RULE = Rule(
    "LegacyKeyValueFormat",
    Level.WARNING,
    "Legacy key/value format with whitespace separator should not be used",
    check,
    fix,
)
