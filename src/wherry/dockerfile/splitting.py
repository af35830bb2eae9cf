"""An instruction's line into keyword, flags and words."""

from wherry.dockerfile.characters import BLANK, SPACE
from wherry.dockerfile.statement import Flag, LogicalLine, Word


def split_command(
    line: LogicalLine, start: int, escape: str
) -> tuple[Word, tuple[Flag, ...], int, int]:
    """The keyword at or behind `start`, its flags, and where the arguments begin and end."""
    text = line.text
    end = len(text.rstrip(SPACE))
    start = min(_skip(text, start, SPACE), end)
    keyword_end = _word_end(text, start, end)
    keyword = line.word(start, keyword_end)
    flags, rest = _split_flags(line, keyword_end, end, escape)
    return keyword, flags, min(_skip(text, rest, SPACE), end), end


def _word_end(text: str, at: int, end: int) -> int:
    while at < end and text[at] not in BLANK:
        at += 1
    return at


def _skip(text: str, at: int, blanks: str) -> int:
    while at < len(text) and text[at] in blanks:
        at += 1
    return at


def _split_flags(line: LogicalLine, at: int, end: int, escape: str) -> tuple[tuple[Flag, ...], int]:
    flags: list[Flag] = []
    text = line.text
    while True:
        at = _skip(text, at, SPACE)
        if at >= end or not text.startswith("--", at):
            return tuple(flags), at
        start = at
        word, at = _flag_word(text, at, end, escape)
        if word == "--" and at < end:
            return tuple(flags), at
        if word != "--":
            flags.append(_flag(line, word, start, at))


def _flag_word(text: str, at: int, end: int, escape: str) -> tuple[str, int]:
    """The word at `at` without quotes and escapes, and where it ends."""
    parts: list[str] = []
    quote = ""
    while at < end:
        character = text[at]
        if quote:
            if character == quote:
                quote = ""
                at += 1
                continue
        elif character in SPACE:
            break
        elif character in "'\"":
            quote = character
            at += 1
            continue
        if character == escape:
            at += 1
            if at == end:
                break
            character = text[at]
        parts.append(character)
        at += 1
    return "".join(parts), at


def _flag(line: LogicalLine, word: str, start: int, end: int) -> Flag:
    name, equals, value = word[2:].partition("=")
    raw_equals = line.text.find("=", start, end)
    value_start = raw_equals + 1 if equals and raw_equals >= 0 else end
    return Flag(name, value if equals else None, line.span(start, end), line.span(value_start, end))


def split_blanks(line: LogicalLine, start: int, end: int) -> list[Word]:
    """Words between blanks; quotes mean nothing."""
    words: list[Word] = []
    at = start
    while (at := _skip(line.text, at, BLANK)) < end:
        begin = at
        at = _word_end(line.text, at, end)
        words.append(line.word(begin, at))
    return words


def split_quoted(text: str, start: int, end: int, escape: str) -> list[tuple[int, int]]:
    """Where the words between blanks outside of quotes are; they keep quotes and escapes."""
    words: list[tuple[int, int]] = []
    at = start
    while (at := _skip(text, at, SPACE)) < end:
        begin = at
        quote = ""
        lost = 0  # an escape at the very end says nothing
        while at < end:
            character = text[at]
            if character == escape and quote != "'":
                if at + 1 == end:
                    lost = 1
                at = min(at + 2, end)
                continue
            if quote:
                quote = "" if character == quote else quote
            elif character in SPACE:
                break
            elif character in "'\"":
                quote = character
            at += 1
        if at - lost > begin:
            words.append((begin, at - lost))
    return words
