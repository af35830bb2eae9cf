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

from wherry.dockerfile.instructions import Arg, Env, Pair
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
            counts: dict[str, int] = {}
            for pair in instruction.pairs:
                counts[pair.name.text] = counts.get(pair.name.text, 0) + 1
            if any(_names_another(pair, counts, known) for pair in instruction.pairs):
                yield Hit(step)
        if not step.is_trigger:
            known |= set(names_set(instruction))


def _names_another(pair: Pair, counts: dict[str, int], known: set[str]) -> bool:
    """Whether its value has a variable that another pair of the instruction sets first."""
    names = {match[1] or match[2] for match in _VARIABLE.finditer(pair.value.text)} - known
    return any(counts.get(name, 0) > (name == pair.name.text) for name in names)


RULE = Rule(
    "DL3044",
    Level.ERROR,
    "Do not refer to an environment variable within the same `ENV` statement where it is defined.",
    check,
)
