"""The exec form: a JSON array of strings, each with its place."""

from wherry.dockerfile.errors import Fault
from wherry.dockerfile.source import Span
from wherry.dockerfile.statement import LogicalLine, Word
from wherry.lazy import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Match

_STRING = regex(r'"(?:[^"\\]|\\.)*"')
_ARRAY = regex(r"\[\s*[\"']")
_SURROGATE = regex("[\ud800-\udfff]")


def json_words(line: LogicalLine, start: int, end: int) -> tuple[Word, ...] | None:
    """The strings of the array, or None if the text is no JSON array: then it is a shell's.

    A Fault if it is an array of something else.
    """
    text = line.text[start:end]
    if not text.startswith("["):
        return None
    plain = _plain_words(line, text, start)
    if plain is not None:
        return plain
    try:
        import json  # 2 ms, and most files have none

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


def _plain_words(line: LogicalLine, text: str, start: int) -> tuple[Word, ...] | None:
    """The strings of an array that needs no JSON reader: printable ASCII, nothing escaped."""
    parts = text.split('"')
    if len(parts) == 1 or len(parts) % 2 == 0:
        return None
    if "\\" in text or not (text.isascii() and text.isprintable()):
        return None
    first, *between, last = [part.strip(" ") for part in parts[::2]]
    if first != "[" or last != "]" or any(sign != "," for sign in between):
        return None
    words: list[Word] = []
    at = start
    for number, part in enumerate(parts):
        if number % 2:
            words.append(Word(part, line.span(at - 1, at + len(part) + 1)))
        at += len(part) + 1
    return tuple(words)


def _refuse(constant: str) -> object:
    raise ValueError(constant)  # NaN and Infinity are Python's, not JSON's


def _span(line: LogicalLine, start: int, place: "Match[str]") -> Span:
    return line.span(start + place.start(), start + place.end())


def looks_like_json(text: str) -> bool:
    """Whether a shell's text was probably meant as an array: `[` and a quote, and `]` at its end.

    `[ -f "$x" ]` and `[[ ... ]]` are the shell's own.
    """
    return bool(_ARRAY.match(text)) and text.rstrip().endswith("]")
