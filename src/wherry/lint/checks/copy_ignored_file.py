"""COPY cannot find what `.dockerignore` leaves out.

Only where the folder is known: `wherry build --check` knows it.

Bad (with `*.log` in .dockerignore):

    FROM alpine:3.20
    COPY a.log /

Good:

    FROM alpine:3.20
    COPY a.txt /
"""

from collections.abc import Iterator

from wherry.dockerfile.errors import go_quoted
from wherry.dockerfile.instructions import Add, Copy
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    if options.ignore_file is None:
        return
    for step in document.of(Add, Copy):
        instruction = step.instruction
        if not isinstance(instruction, Add | Copy) or step.is_trigger:
            continue
        if isinstance(instruction, Copy) and instruction.from_ is not None:
            continue
        for source in instruction.sources:
            path = source.text.strip("/").removeprefix("./")
            if "://" in path or not path or set("*?[$") & set(path):
                continue
            if options.ignore_file.decide(path).ignored:
                name = go_quoted(path)
                yield Hit(
                    step,
                    f"Attempting to {instruction.NAME.title()} file {name} that is excluded by "
                    ".dockerignore",
                    source.span,
                )


RULE = Rule(
    "CopyIgnoredFile",
    Level.WARNING,
    "Attempting to Copy file that is excluded by .dockerignore",
    check,
)
