"""Variables of one ENV do not see each other.

All values of an ENV are expanded before any of its names is set.

Bad:

    FROM debian:12
    ENV HOME_DIR=/srv BIN=$HOME_DIR/bin

Good:

    FROM debian:12
    ENV HOME_DIR=/srv
    ENV BIN=$HOME_DIR/bin
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Arg, Env
from wherry.lazy import regex
from wherry.lint.document import Document, names_set
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

_VARIABLE = regex(r"\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))")


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    known: set[str] = set()
    for step in document.of(Arg, Env):
        instruction = step.instruction
        if isinstance(instruction, Env) and not step.is_trigger:
            names = [pair.name.text for pair in instruction.pairs]
            for at, pair in enumerate(instruction.pairs):
                others = {name for other, name in enumerate(names) if other != at} - known
                if any((m[1] or m[2]) in others for m in _VARIABLE.finditer(pair.value.text)):
                    yield Hit(step)
                    break
        if not step.is_trigger:
            known |= set(names_set(instruction))


RULE = Rule(
    "DL3044",
    Level.ERROR,
    "Do not refer to an environment variable within the same `ENV` statement where it is defined.",
    check,
)
