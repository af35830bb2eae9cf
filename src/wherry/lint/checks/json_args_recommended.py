"""CMD and ENTRYPOINT take a JSON array, or signals stop at a shell.

Not where SHELL says that a shell is wanted.

Bad:

    FROM alpine:3.20
    CMD server --port 80

Good:

    FROM alpine:3.20
    CMD ["server", "--port", "80"]
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Cmd, Entrypoint, Shell
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    with_shell: set[int] = set()
    for step in document.of(Cmd, Entrypoint, Shell):
        instruction = step.instruction
        if isinstance(instruction, Shell):
            with_shell.add(step.stage)
        elif (
            isinstance(instruction, Cmd | Entrypoint)
            and not instruction.command.is_exec
            and not step.is_trigger
            and not with_shell & set(document.ancestry(step.stage))
        ):
            yield Hit(
                step,
                f"JSON arguments recommended for {instruction.NAME} to prevent unintended "
                "behavior related to OS signals",
            )


RULE = Rule(
    "JSONArgsRecommended",
    Level.WARNING,
    "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to "
    "OS signals",
    check,
)
