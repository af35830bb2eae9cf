"""Variables of a Dockerfile: which are there from the start, and where they are expanded."""

from collections.abc import Iterator
from functools import cache

from wherry.dockerfile.instructions import (
    Add,
    Arg,
    Copy,
    Env,
    Expose,
    Instruction,
    Label,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from wherry.dockerfile.statement import Word
from wherry.dockerfile.words import Expander, InvalidWord
from wherry.lint.document import BEFORE_STAGES, Document

PLATFORM_ARGS = (
    *("BUILDPLATFORM", "BUILDOS", "BUILDOSVERSION", "BUILDARCH", "BUILDVARIANT"),
    *("TARGETPLATFORM", "TARGETOS", "TARGETOSVERSION", "TARGETARCH", "TARGETVARIANT"),
    "TARGETSTAGE",
)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
BUILT_IN = ("PATH", *_PROXIES, *(name.lower() for name in _PROXIES))
"""What every stage has without asking."""


@cache
def _expander(escape: str) -> Expander:
    return Expander(escape)


def expander(document: Document) -> Expander:
    return _expander(document.escape)


def global_defaults(document: Document) -> dict[str, str]:
    """The ARGs in front of the first FROM, with what they hold unless the build is told more."""
    values: dict[str, str] = {}
    for step, arg in document.instructions(Arg):
        for argument in arg.arguments if step.stage == BEFORE_STAGES else ():
            try:
                default = argument.default.text if argument.default else ""
                values[argument.name.text] = expander(document).expand(default, values).text
            except InvalidWord:
                values[argument.name.text] = ""
    return values


def unmatched(document: Document, word: Word, known: dict[str, str]) -> list[str]:
    """The variables in `word` that are not among `known`."""
    if "$" not in word.text:
        return []
    try:
        return sorted(expander(document).expand(word.text, known).unmatched)
    except InvalidWord:
        return []


def expanded_words(instruction: Instruction) -> Iterator[Word]:
    """The words of an instruction in which the builder replaces variables."""
    match instruction:
        case Copy() | Add():
            yield from instruction.sources
            yield instruction.destination
            yield from (word for word in (instruction.chown, instruction.chmod) if word)
        case Env(pairs=pairs) | Label(pairs=pairs):
            yield from (pair.value for pair in pairs)
        case Arg(arguments=arguments):
            yield from (argument.default for argument in arguments if argument.default)
        case Expose(ports=words) | Volume(paths=words):
            yield from words
        case User(user=word) | Workdir(path=word) | Stopsignal(signal=word):
            yield word
        case _:
            return
