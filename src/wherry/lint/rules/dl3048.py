"""Keys of labels follow Docker's rules.

Lower-case letters, digits, single dots, dashes, slashes and underscores; a letter first. Some
prefixes are Docker's own.

Bad:

    FROM debian:12
    LABEL Bad..Key=1

Good:

    FROM debian:12
    LABEL org.example.key=1
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Label
from wherry.lazy import regex
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.paths import without_quotes
from wherry.lint.rule import Hit, Rule

_KEY = regex(r"[a-z](?:[a-z0-9._/-]*[a-z0-9])?")
_RESERVED = ("com.docker.", "io.docker.", "org.dockerproject.")


def _is_wrong(key: str) -> bool:
    return not _KEY.fullmatch(key) or ".." in key or "--" in key or key.startswith(_RESERVED)


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, label in document.instructions(Label):
        if not step.is_trigger and any(
            _is_wrong(without_quotes(pair.name.text)) for pair in label.pairs
        ):
            yield Hit(step)


RULE = Rule("DL3048", Level.STYLE, "Invalid label key.", check)
