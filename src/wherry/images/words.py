"""Words of a Dockerfile instruction: quotes, escapes and variables, as Docker reads them.

    'literal'  "with $variables"  back\\slash  $NAME  ${NAME}  ${NAME:-default}  ${NAME:+other}
    ${NAME:?message}, and each without the colon, where only a missing name counts

https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

import re
from collections.abc import Mapping

from wherry.errors import InvalidArgument

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#]")


class InvalidWord(InvalidArgument):
    def __init__(self, word: str, problem: str) -> None:
        quoted = word.replace("\\", "\\\\").replace('"', '\\"')
        super().__init__(f'failed to process "{quoted}": {problem}')
        self.word = word


class _Problem(Exception):
    pass


def expand_word(word: str, variables: Mapping[str, str]) -> str:
    """`word` with its quotes taken off and its variables replaced, as one word."""
    reader = _Reader(word, variables)
    try:
        return reader.read(until="")
    except _Problem as problem:
        raise InvalidWord(word, str(problem)) from None


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


class _Reader:
    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self.text = text
        self.position = 0
        self.variables = variables

    def read(self, until: str) -> str:
        """Everything up to the character `until`, which is eaten, or to the end."""
        parts: list[str] = []
        while (character := self._next()) != until:
            if character == "":
                raise _Problem("unexpected end of statement while looking for matching }")
            if character == "'":
                parts.append(self._single_quoted())
            elif character == '"':
                parts.append(self._double_quoted())
            elif character == "$":
                parts.append(self._variable())
            elif character == "\\":
                parts.append(self._next())
            else:
                parts.append(character)
        return "".join(parts)

    def _next(self) -> str:
        character = self.text[self.position : self.position + 1]
        self.position += len(character)
        return character

    def _single_quoted(self) -> str:
        end = self.text.find("'", self.position)
        if end < 0:
            raise _Problem(_unclosed("single"))
        literal = self.text[self.position : end]
        self.position = end + 1
        return literal

    def _double_quoted(self) -> str:
        parts: list[str] = []
        while (character := self._next()) != '"':
            if character == "":
                raise _Problem(_unclosed("double"))
            if character == "$":
                parts.append(self._variable())
            elif character == "\\":
                escaped = self._next()
                if escaped == "":
                    raise _Problem(_unclosed("double"))
                # Inside quotes a backslash is special only before these.
                parts.append(escaped if escaped in '"$\\' else "\\" + escaped)
            else:
                parts.append(character)
        return "".join(parts)

    def _variable(self) -> str:
        if self.text.startswith("{", self.position):
            self.position += 1
            return self._braced()
        name = self._name()
        return self.variables.get(name, "") if name else "$"

    def _name(self) -> str:
        match = _NAME.match(self.text, self.position)
        if match is None:
            return ""
        self.position = match.end()
        return match.group()

    def _braced(self) -> str:
        name = self._name()
        if not name:
            raise _Problem("syntax error: bad substitution")
        value = self.variables.get(name)
        operator = self._next()
        if operator == "}":
            return value or ""
        if operator == ":":
            value = value or None  # with a colon, an empty value counts as missing
            operator = self._next()
        if operator not in ("-", "+", "?"):
            raise _Problem(f"unsupported modifier ({operator}) in substitution")
        word = self.read(until="}")
        if operator == "+":
            return "" if value is None else word
        if value is None and operator == "?":
            raise _Problem(f"{name}: {word or 'is not allowed to be unset'}")
        return word if value is None else value


def _unclosed(kind: str) -> str:
    return f"unexpected end of statement while looking for matching {kind}-quote"
