"""Of CMD, ENTRYPOINT and HEALTHCHECK only the last one counts.

Bad:

    FROM alpine:3.20
    CMD ["one"]
    CMD ["two"]

Good:

    FROM alpine:3.20
    CMD ["two"]
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Cmd, Entrypoint, Healthcheck, Instruction
from wherry.lint.document import Document, Step
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    last: dict[tuple[int, type[Instruction]], Step] = {}
    for step in document.of(Cmd, Entrypoint, Healthcheck):
        if step.is_trigger:
            continue
        key = step.stage, type(step.instruction)
        if key in last:
            name = step.instruction.NAME
            yield Hit(
                last[key],
                f"Multiple {name} instructions should not be used in the same stage because only "
                "the last one will be used",
            )
        last[key] = step


RULE = Rule(
    "MultipleInstructionsDisallowed",
    Level.WARNING,
    "Multiple instructions of the same type should not be used in the same stage",
    check,
)
