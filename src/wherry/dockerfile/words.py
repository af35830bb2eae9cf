"""Quotes, escapes and variables in words, as BuildKit reads them.

    'literal'  "with $variables"  \\escaped  $NAME  ${NAME}
    ${NAME:-default}  ${NAME:+other}  ${NAME:?message}   and without the colon: only if unset
    ${NAME#pattern}  ${NAME##pattern}  ${NAME%pattern}  ${NAME%%pattern}
    ${NAME/pattern/replacement}  ${NAME//pattern/replacement}

https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

from collections.abc import Callable, Mapping

from wherry.dockerfile.characters import SPACE
from wherry.dockerfile.patterns import BadPattern, replace_pattern, trim_prefix, trim_suffix
from wherry.errors import InvalidArgument
from wherry.go_text import quoted
from wherry.values import dataclass

_SPECIAL_PARAMETERS = "@*#?-$!0"
_END = ""
_DEEPEST = 50  # of one ${...} in another: an attack, not a default value


class InvalidWord(InvalidArgument):
    def __init__(self, word: str, problem: str) -> None:
        super().__init__(f"failed to process {quoted(word)}: {problem}")
        self.word = word
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Expansion:
    """A word with its variables replaced."""

    text: str
    """As one word, blanks kept."""
    words: tuple[str, ...]
    """The same split at blanks outside of quotes, also those that a variable brought."""
    used: frozenset[str] = frozenset()
    """Variables that were read and set."""
    unmatched: frozenset[str] = frozenset()
    """Variables that were read and not set."""


@dataclass(frozen=True, slots=True)
class Expander:
    """How words are read."""

    escape: str = "\\"
    raw_quotes: bool = False
    """Quotes stay in the result."""
    raw_escapes: bool = False
    """Escape characters stay in the result."""
    skip_quotes: bool = False
    """Quotes mean nothing: in a heredoc's content."""
    keep_unset: bool = False
    """A variable that is not set stays as it was written."""

    def expand(self, text: str, variables: Mapping[str, str]) -> Expansion:
        """`text` with `variables`; InvalidWord in BuildKit's words."""
        reader = _Reader(self, text, variables)
        try:
            result, words = reader.read_until(_END, raw_escapes=self.raw_escapes)
        except _Problem as problem:
            raise InvalidWord(text, str(problem)) from None
        return Expansion(result, words, frozenset(reader.used), frozenset(reader.unmatched))

    def variables_in(self, text: str) -> frozenset[str]:
        """The names of the variables that `text` reads when none is set."""
        return self.expand(text, {}).unmatched


class _Problem(Exception):
    pass


class _Words:
    """Characters on their way into words."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.current: list[str] = []

    def add(self, text: str) -> None:
        for character in text:
            if character not in SPACE:
                self.current.append(character)
            elif any(self.current):
                self.done.append("".join(self.current))
                self.current = []

    def add_literally(self, text: str) -> None:
        self.current.append(text)

    def finished(self) -> tuple[str, ...]:
        last = "".join(self.current)
        return (*self.done, last) if last else tuple(self.done)


class _Reader:
    def __init__(self, how: Expander, text: str, variables: Mapping[str, str]) -> None:
        self.how = how
        self.text = text
        self.at = 0
        self.variables = variables
        self.raw_escapes = how.raw_escapes
        self.used: set[str] = set()
        self.unmatched: set[str] = set()
        self.depth = 0
        self.special: dict[str, Callable[[], str]] = {
            "$": self._variable,
            "<": self._possible_heredoc,
        }
        if not how.skip_quotes:
            self.special |= {"'": self._single_quoted, '"': self._double_quoted}

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _next(self) -> str:
        character = self.text[self.at : self.at + 1]
        self.at += len(character)
        return character

    def read_until(self, stop: str, *, raw_escapes: bool) -> tuple[str, tuple[str, ...]]:
        """Everything up to the character `stop`, which is eaten, or to the end."""
        before, self.raw_escapes = self.raw_escapes, raw_escapes
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _Problem("syntax error: bad substitution")
        result: list[str] = []
        words = _Words()
        while (character := self._peek()) != _END:
            if character == stop:
                self.at += 1
                break
            if special := self.special.get(character):
                piece = special()
                result.append(piece)
                if character == "$":
                    words.add(piece)
                else:
                    words.add_literally(piece)
                continue
            self.at += 1
            if character != self.how.escape:
                result.append(character)
                words.add(character)
                continue
            if self.raw_escapes:
                result.append(character)
                words.add_literally(character)
            escaped = self._next()
            result.append(escaped)
            words.add_literally(escaped)
        else:
            if stop:
                raise _Problem(f"unexpected end of statement while looking for matching {stop}")
        self.raw_escapes = before
        self.depth -= 1
        return "".join(result), words.finished()

    def _single_quoted(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            self.at = len(self.text)
            raise _Problem(_unclosed("single"))
        start, self.at = self.at, end + 1
        return self.text[start : end + 1] if self.how.raw_quotes else self.text[start + 1 : end]

    def _double_quoted(self) -> str:
        quote = self._next() if self.how.raw_quotes else self._next()[:0]
        parts = [quote]
        while (character := self._peek()) != '"':
            if character == _END:
                raise _Problem(_unclosed("double"))
            if character == "$":
                parts.append(self._variable())
                continue
            self.at += 1
            if character == self.how.escape:
                if self.raw_escapes:
                    parts.append(character)
                following = self._peek()
                if following == _END:
                    continue
                # Between quotes an escape is special only before these.
                if following in ('"', "$", self.how.escape):
                    character = self._next()
            parts.append(character)
        self.at += 1
        parts.append(quote)
        return "".join(parts)

    def _possible_heredoc(self) -> str:
        """`<<` with the blanks behind it, which then split no word."""
        start = self.at
        self.at += 1
        if self._peek() == "<":
            self.at += 1
            while self._peek() and self._peek() in "\t\r ":
                self.at += 1
        return self.text[start : self.at]

    def _variable(self) -> str:
        self.at += 1
        if self._peek() == "{":
            self.at += 1
            return self._braced()
        name = self._name()
        if not name:
            return "$"
        value = self._value(name)
        if value is None:
            return f"${name}" if self.how.keep_unset else ""
        return value

    def _name(self) -> str:
        start = self.at
        first = self._peek()
        if first.isdecimal():
            while self._peek().isdecimal():
                self.at += 1
        elif first and first in _SPECIAL_PARAMETERS:
            self.at += 1
        else:
            while (c := self._peek()) and (c == "_" or c.isalpha() or c.isdecimal()):
                self.at += 1
        return self.text[start : self.at]

    def _value(self, name: str) -> str | None:
        value = self.variables.get(name)
        (self.unmatched if value is None else self.used).add(name)
        return value

    def _braced(self) -> str:
        if self._peek() == _END:
            raise _Problem("syntax error: missing '}'")
        if self._peek() in "{}:":
            raise _Problem("syntax error: bad substitution")
        name = self._name()
        operator = self._next()
        if operator == "}":
            value = self._value(name)
            if value is None:
                return f"${{{name}}}" if self.how.keep_unset else ""
            return value
        if operator == "/":
            return self._replaced(name)
        if operator == ":":
            return self._modified(name, self._next(), colon=":")
        if operator and operator in "+-?#%":
            return self._modified(name, operator, colon="")
        raise _unsupported(operator)

    def _modified(self, name: str, operator: str, colon: str) -> str:
        trims = operator in ("#", "%")
        if trims and colon:
            raise _unsupported(colon + operator)
        word = self._operand("}", "missing '}'", raw_escapes=trims)
        value = self._value(name)
        if value is None and self.how.keep_unset:
            return f"${{{name}{colon}{operator}{word}}}"
        missing = value is None or (colon != "" and value == "")
        if operator == "-":
            return word if missing or value is None else value
        if operator == "+":
            return "" if missing else word
        if operator == "?":
            if missing or value is None:
                state = "unset" if value is None else "empty"
                raise _Problem(f"{name}: {word or f'is not allowed to be {state}'}")
            return value
        if not trims:
            raise _unsupported(colon + operator)
        greedy = word.startswith(operator)
        pattern = word[1:] if greedy else word
        trim = trim_prefix if operator == "#" else trim_suffix
        try:
            return trim(pattern, value or "", greedy=greedy)
        except BadPattern as problem:
            raise _Problem(f"invalid pattern ({pattern}) in substitution: {problem}") from None

    def _replaced(self, name: str) -> str:
        everywhere = self._peek() == "/"
        self.at += everywhere
        pattern = self._operand("/", "missing '/' in ${}", raw_escapes=True)
        replacement = self._operand("}", "missing '}'", raw_escapes=True)
        value = self._value(name)
        if value is None and self.how.keep_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        try:
            return replace_pattern(pattern, replacement, value or "", everywhere=everywhere)
        except BadPattern as problem:
            raise _Problem(f"invalid pattern ({pattern}) in substitution: {problem}") from None

    def _operand(self, stop: str, missing: str, *, raw_escapes: bool) -> str:
        try:
            return self.read_until(stop, raw_escapes=raw_escapes)[0]
        except _Problem:
            if self._peek() == _END:
                raise _Problem(f"syntax error: {missing}") from None
            raise


def _unclosed(kind: str) -> str:
    return f"unexpected end of statement while looking for matching {kind}-quote"


def _unsupported(modifier: str) -> _Problem:
    return _Problem(f"unsupported modifier ({modifier or chr(0xFFFD)}) in substitution")
