"""`<<NAME` on the line of an instruction: which documents follow it."""

from wherry.dockerfile.characters import SPACE
from wherry.dockerfile.errors import Fault
from wherry.dockerfile.words import Expander, InvalidWord
from wherry.lazy import regex
from wherry.values import dataclass

_MARK = regex(r"(\d*)<<(-?)[\t\n\f\r ]*([^<]*)")
_WORD = Expander(keep_unset=True)
_RAW_WORD = Expander(keep_unset=True, raw_quotes=True)
_RAW_LINE = Expander(keep_unset=True, raw_quotes=True, raw_escapes=True)
_LARGEST_DESCRIPTOR = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Mark:
    """The announcement of a heredoc."""

    name: str
    expand: bool
    chomp: bool
    file_descriptor: int


def parse_mark(word: str) -> Mark | None:
    """What `word` announces, or None if it announces nothing."""
    match = _MARK.fullmatch(word) if "<<" in word else None
    if match is None or not match[3]:
        return None
    try:
        words = _WORD.expand(match[3], {}).words
        if len(words) != 1:
            return None
        raw = _RAW_WORD.expand(match[3], {}).words
    except InvalidWord as error:
        raise Fault(error.message, prefixed=False) from error
    if len(raw) != 1:
        return None
    # Quotes that are lost in reading the word quote it, and then nothing in the content expands.
    expand = _quotes(words[0]) == _quotes(raw[0])
    descriptor = min(int(match[1]), _LARGEST_DESCRIPTOR) if 0 < len(match[1]) <= 20 else 0
    return Mark(words[0], expand, match[2] == "-", descriptor)


def mark_or_none(word: str) -> Mark | None:
    """The same of a word that quotes may have been split in: then it announces nothing."""
    try:
        return parse_mark(word)
    except Fault:
        return None


def marks_in(line: str) -> list[Mark]:
    """The heredocs that the words of `line` announce."""
    try:
        words = _RAW_LINE.expand(line, {}).words
    except InvalidWord:
        return []  # an open quote: the shell may make sense of it
    return [mark for word in words if (mark := parse_mark(word.strip(SPACE)))]


def _quotes(word: str) -> int:
    return word.count("'") + word.count('"')
