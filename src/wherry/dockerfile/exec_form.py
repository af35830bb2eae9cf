"""The exec form: a JSON array of strings, each with its place."""

import json
import re

from wherry.dockerfile.errors import Fault
from wherry.dockerfile.source import Span
from wherry.dockerfile.statement import LogicalLine, Word

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SURROGATE = re.compile("[\ud800-\udfff]")


def json_words(line: LogicalLine, start: int, end: int) -> tuple[Word, ...] | None:
    """The strings of the array, or None if the text is no JSON array: then it is a shell's.

    A Fault if it is an array of something else.
    """
    text = line.text[start:end]
    if not text.startswith("["):
        return None
    try:
        values = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(value, str) for value in values):
        raise Fault(
            "when using JSON array syntax, arrays must be comprised of strings only",
            line.span(start, end),
            prefixed=False,
        )
    places = _STRING.finditer(text)
    return tuple(
        # Go reads half of a surrogate pair as the replacement character.
        Word(_SURROGATE.sub("\ufffd", value), _span(line, start, place))
        for value, place in zip(values, places, strict=True)
    )


def _refuse(constant: str) -> object:
    raise ValueError(constant)  # NaN and Infinity are Python's, not JSON's


def _span(line: LogicalLine, start: int, place: re.Match[str]) -> Span:
    return line.span(start + place.start(), start + place.end())


def looks_like_json(text: str) -> bool:
    """Whether a shell's text was probably meant as an array: `[` and a quote, and `]` at its end.

    `[ -f "$x" ]` and `[[ ... ]]` are the shell's own.
    """
    return bool(re.match(r"\[\s*[\"']", text)) and text.rstrip().endswith("]")
