"""Variables in FROM are those of ARGs above the first one.

Bad:

    FROM alpine:$VERSION

Good:

    ARG VERSION=3.20
    FROM alpine:$VERSION
"""

from collections.abc import Iterator

from wherry.dockerfile.errors import nearest
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule
from wherry.lint.variables import PLATFORM_ARGS, global_defaults, unmatched


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    known = dict.fromkeys((*PLATFORM_ARGS, *global_defaults(document)), "x")
    for step, base in document.froms:
        for word in (base.platform, base.image):
            for name in unmatched(document, word, known) if word else ():
                near = nearest(name, known)
                suggestion = f" (did you mean {near}?)" if near else ""
                yield Hit(step, f"FROM argument '{name}' is not declared{suggestion}")


RULE = Rule("UndefinedArgInFrom", Level.WARNING, "FROM command must use declared ARGs", check)
