"""A comment right above a stage or an ARG describes it, beginning with its name.

Experimental: only where `# check=experimental=InvalidDefinitionDescription` asks for it.

Bad (with `# check=experimental=all`):

    # the first stage
    FROM alpine:3.20 AS base

Good:

    # base is the first stage
    FROM alpine:3.20 AS base
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Arg, From
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step in document.of(Arg, From):
        instruction = step.instruction
        if isinstance(instruction, From):
            names = [instruction.alias.text] if instruction.alias else []
        elif isinstance(instruction, Arg):
            names = [argument.name.text for argument in instruction.arguments]
        else:
            names = []
        above = [
            comment
            for comment in instruction.comments
            if document.source.line_of(comment.span.start) == step.line - 1
        ]
        if not names or not above or above[-1].text.startswith(("hadolint", "check=")):
            continue
        if not any(above[-1].text.startswith(f"{name} ") for name in names):
            name = names[0] if len(names) == 1 else "<arg_key>"
            form = f"`# {name} <description>`"
            yield Hit(step, f"Comment for {instruction.NAME} should follow the format: {form}")


RULE = Rule(
    "InvalidDefinitionDescription",
    Level.WARNING,
    "Comment for build stage or argument should follow the format: "
    "`# <arg/stage name> <description>`",
    check,
    is_experimental=True,
)
