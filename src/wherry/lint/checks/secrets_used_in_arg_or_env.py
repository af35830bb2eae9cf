"""ARG and ENV are no place for secrets: everyone who pulls the image can read them.

Bad:

    FROM alpine:3.20
    ENV API_KEY=abc

Good:

    FROM alpine:3.20
    RUN --mount=type=secret,id=api_key use
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Arg, Env
from wherry.go_text import quoted
from wherry.lazy import regex
from wherry.lint.document import Document, names_set
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

_TELLING = regex(
    r"(?i)(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)"
)
_HARMLESS = regex(r"(?i)(?:_|^)(?:public|file|version)(?:_|$)")


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step in document.of(Arg, Env):
        for name in names_set(step.instruction):
            if _TELLING.search(name) and not _HARMLESS.search(name):
                yield Hit(
                    step,
                    "Do not use ARG or ENV instructions for sensitive data "
                    f"({step.instruction.NAME} {quoted(name)})",
                )


RULE = Rule(
    "SecretsUsedInArgOrEnv",
    Level.WARNING,
    "Sensitive data should not be used in the ARG or ENV commands",
    check,
)
