"""A pipe hides the failure of all but its last command.

With `pipefail` the RUN fails when any of them does.

Bad:

    FROM debian:12
    RUN wget -q -O - https://example.com | tar -x

Good:

    FROM debian:12
    SHELL ["/bin/bash", "-o", "pipefail", "-c"]
    RUN wget -q -O - https://example.com | tar -x
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import From, Run, Shell
from wherry.dockerfile.source import Span
from wherry.lazy import regex
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.paths import last_part
from wherry.lint.rule import Edit, Hit, Rule

_KNOWING = ("bash", "zsh", "ash")
_FOREIGN = ("pwsh", "powershell", "cmd")
_PIPEFAIL = regex(r"(?:^|\s)-[a-zA-Z]*o\s+pipefail(?:\s|$)")


def _is_safe(words: list[str]) -> bool:
    """Whether a SHELL has the option, or no pipes of that kind."""
    program = words[0] if words else ""
    if any(program.startswith(name) for name in _FOREIGN):
        return True
    return last_part(program) in _KNOWING and bool(_PIPEFAIL.search(" ".join(words[1:])))


def check(document: Document, options: Options) -> Iterator[Hit]:
    """A stage starts without: for hadolint, SHELL is not inherited from the stage it is FROM."""
    del options
    runs = {run.step.number: run for run in document.runs}
    is_safe = False
    for step in document.of(From, Run, Shell):
        if step.is_trigger:
            continue
        if isinstance(step.instruction, From):
            is_safe = False
        elif isinstance(step.instruction, Shell):
            words = " ".join(word.text for word in step.instruction.words).split()
            is_safe = _is_safe(words)
        elif not is_safe and runs[step.number].script.has_pipe:
            yield Hit(step)


def fix(document: Document) -> Iterator[Edit]:
    """SHELL in front of the first such RUN of a stage, where the stage is built the same."""
    yield from _shells(document, unsafe=False)


def unsafe_fix(document: Document) -> Iterator[Edit]:
    yield from _shells(document, unsafe=True)


def _shells(document: Document, *, unsafe: bool) -> Iterator[Edit]:
    from wherry.lint.pipefail import BASH, is_same, shell_of  # for those who repair

    stages: set[int] = set()
    for hit in check(document, Options()):
        run = next(run for run in document.runs if run.step is hit.step)
        stage = run.step.stage
        if stage in stages or stage < 0:
            continue
        stages.add(stage)
        shell = shell_of(document, stage) or (BASH if unsafe else "")
        if shell and (unsafe or is_same(document, run, shell)):
            comments = run.run.comments
            at = comments[0].span.start if comments else run.run.keyword.span.start
            before = document.source.text[:at]
            indent = before[before.rfind("\n") + 1 :]
            yield Span(at, at), f'SHELL ["{shell}", "-o", "pipefail", "-c"]\n{indent}'


RULE = Rule(
    "DL4006",
    Level.WARNING,
    "Set the SHELL option -o pipefail before RUN with a pipe in it. If you are using /bin/sh in "
    "an alpine image or if your shell is symlinked to busybox then consider explicitly setting "
    "your SHELL to /bin/ash, or disable this check",
    check,
    fix,
    unsafe_fix=unsafe_fix,
)
