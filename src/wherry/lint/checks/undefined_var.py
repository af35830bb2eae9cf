"""Variables should be set before they are used.

Only where that is certain: in stages that begin with scratch, since what other images set is
not in the file. The build, which knows, tells the rest.

Bad:

    FROM scratch
    COPY $source /

Good:

    FROM scratch
    ARG source=app
    COPY $source /
"""

from collections.abc import Iterator

from wherry.dockerfile.errors import nearest
from wherry.dockerfile.instructions import Arg, Env
from wherry.lint.document import Document, names_set
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule
from wherry.lint.variables import BUILT_IN, expanded_words, unmatched


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    known: dict[int, dict[str, str]] = {}
    for stage, (_, base) in enumerate(document.froms):
        parent = document.bases[stage]
        if base.image.text == "scratch" or parent in known:
            known[stage] = dict.fromkeys(BUILT_IN, "x")
            known[stage] |= _set_in(document, stage, Env, Arg)
            known[stage] |= known[parent] if parent is not None else {}
    for step in document.steps:
        if step.is_trigger or step.stage not in known:
            continue
        for word in expanded_words(step.instruction):
            for name in unmatched(document, word, known[step.stage]):
                near = nearest(name, known[step.stage])
                suggestion = f" (did you mean ${near}?)" if near else ""
                yield Hit(step, f"Usage of undefined variable '${name}'{suggestion}", word.span)


def _set_in(document: Document, stage: int, *kinds: type[Env] | type[Arg]) -> dict[str, str]:
    return {
        name: "x"
        for step in document.of(*kinds)
        if step.stage == stage and not step.is_trigger
        for name in names_set(step.instruction)
    }


RULE = Rule("UndefinedVar", Level.WARNING, "Variables should be defined before their use", check)
