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

from wherry.dockerfile.ignorefile import IgnoreFile
from wherry.dockerfile.instructions import Add, Copy
from wherry.go_text import quoted
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    ignore_file = options.ignore_file
    if ignore_file is None or any(rule.includes for rule in ignore_file.rules):
        return  # of a folder that is left out, a file may be taken back
    for step in document.of(Add, Copy):
        instruction = step.instruction
        if not isinstance(instruction, Add | Copy) or step.is_trigger:
            continue
        if isinstance(instruction, Copy) and instruction.from_ is not None:
            continue
        for source in instruction.sources:
            path = source.text.strip("/").removeprefix("./") or "."
            if "://" in path or set("*?[$") & set(path):
                continue
            if _is_left_out(ignore_file, path):
                name = quoted(path)
                yield Hit(
                    step,
                    f"Attempting to {instruction.NAME.title()} file {name} that is excluded by "
                    ".dockerignore",
                    source.span,
                )


def _is_left_out(ignore_file: IgnoreFile, path: str) -> bool:
    if path == ".":  # the context itself, which only these leave empty
        return any(rule.text.strip() in ("*", "**", "**/*") for rule in ignore_file.rules)
    return ignore_file.decide(path).ignored


RULE = Rule(
    "CopyIgnoredFile",
    Level.WARNING,
    "Attempting to Copy file that is excluded by .dockerignore",
    check,
)
