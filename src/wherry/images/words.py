"""Words of the instructions that `-c` of commit and import takes."""

from collections.abc import Mapping

from wherry.dockerfile.words import Expander

_EXPANDER = Expander()


def expand_word(word: str, variables: Mapping[str, str]) -> str:
    """`word` with its quotes taken off and its variables replaced, as one word."""
    return _EXPANDER.expand(word, variables).text


def split_words(text: str) -> list[str]:
    """Pieces between blanks, quotes and escapes respected and kept: of NAME=VALUE lists."""
    words: list[str] = []
    current: list[str] = []
    quote = ""
    position = 0
    while position < len(text):
        character = text[position]
        if character == "\\" and quote != "'" and position + 1 < len(text):
            current.append(text[position : position + 2])
            position += 2
            continue
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character.isspace():
            if current:
                words.append("".join(current))
                current = []
            position += 1
            continue
        current.append(character)
        position += 1
    if current:
        words.append("".join(current))
    return words
