"""Cutting a template into tokens.

Text outside of `{{ }}` is one token; inside, spaces are tokens too, since `.a "b"` and `.a"b"`
differ. A fault ends the tokens with one of kind ERROR that carries the reason, so that the
parser reports whatever is wrong before it first, as Go does.
"""

import re
from enum import Enum, auto

from wherry.values import dataclass

LEFT = "{{"
RIGHT = "}}"
_SPACES = " \t\r\n"
_WORD = re.compile(r"\w*")
_SPACE_RUN = re.compile(r"[ \t\r\n]+")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*\.?[0-9a-fA-F_]*(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*|0[bB][01_]*"
    r"|[0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9_]*)?)i?"
)


class Kind(Enum):
    """What a token is."""

    TEXT = auto()
    LEFT = auto()
    RIGHT = auto()
    SPACE = auto()
    ASSIGN = auto()
    DECLARE = auto()
    PIPE = auto()
    STRING = auto()
    RAW_STRING = auto()
    VARIABLE = auto()
    CHARACTER = auto()
    FIELD = auto()
    DOT = auto()
    NUMBER = auto()
    IDENTIFIER = auto()
    BOOLEAN = auto()
    LEFT_PAREN = auto()
    RIGHT_PAREN = auto()
    OTHER = auto()
    END_OF_TEMPLATE = auto()
    ERROR = auto()
    KEYWORD = auto()
    NIL = auto()


KEYWORDS = frozenset(
    ("block", "break", "continue", "define", "else", "end", "if", "range", "template", "with")
)
_SINGLE = {"=": Kind.ASSIGN, "|": Kind.PIPE}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the template: `position` counts characters from its start, `line` from 1."""

    kind: Kind
    text: str
    position: int
    line: int


class _Fault(Exception):
    """The reason why no token can be read here."""


def tokens(template: str) -> list[Token]:
    """The tokens of `template`, the last of kind END_OF_TEMPLATE or ERROR."""
    lexer = _Lexer(template)
    try:
        lexer.read_template()
    except _Fault as fault:
        lexer.add(Kind.ERROR, str(fault))
    else:
        lexer.add(Kind.END_OF_TEMPLATE, "")
    return lexer.tokens


class _Lexer:
    def __init__(self, template: str) -> None:
        self.template = template
        self.at = 0
        self.tokens: list[Token] = []
        self.depth = 0  # of parentheses
        self.line = 1
        self.counted = 0  # up to where line breaks are counted in `line`

    def add(self, kind: Kind, text: str) -> None:
        """Take `text`, which begins where the lexer stands, as a token."""
        self.line += self.template.count("\n", self.counted, self.at)
        self.counted = self.at
        self.tokens.append(Token(kind, text, self.at, self.line))
        self.at += len(text)

    def starts(self, text: str) -> bool:
        return self.template.startswith(text, self.at)

    def read_template(self) -> None:
        trim = False
        while True:
            start = self.template.find(LEFT, self.at)
            text = self.template[self.at : start if start >= 0 else len(self.template)]
            next_at = self.at + len(text)
            if trim:
                self.at += len(text) - len(text.lstrip(_SPACES))
                text = text.lstrip(_SPACES)
            marked = self.template[next_at + 2 : next_at + 4]
            trims_before = len(marked) == 2 and marked[0] == "-" and marked[1] in _SPACES
            if start >= 0 and trims_before:
                text = text.rstrip(_SPACES)
            if text:
                self.add(Kind.TEXT, text)
            self.at = next_at
            if start < 0:
                return
            trim = self.read_action(4 if trims_before else 2)

    def read_action(self, delimiter: int) -> bool:
        """Read one `{{ }}`; the answer is whether it trims the text behind it."""
        if self.template.startswith("/*", self.at + delimiter):
            self.at += delimiter
            return self.skip_comment()
        self.add(Kind.LEFT, LEFT)
        self.at += delimiter - 2
        self.depth = 0
        while not self.at_right():
            self.read_inside()
        if self.depth:
            raise _Fault("unclosed left paren")
        return self.read_right()

    def skip_comment(self) -> bool:
        end = self.template.find("*/", self.at)
        if end < 0:
            raise _Fault("unclosed comment")
        self.at = end + 2
        if not self.at_right():
            raise _Fault("comment ends before closing delimiter")
        trim = not self.starts(RIGHT)
        self.at += 4 if trim else 2
        return trim

    def at_right(self) -> bool:
        return self.starts(RIGHT) or self.at_trimming_right(self.at)

    def at_trimming_right(self, at: int) -> bool:
        return self.template[at : at + 1] in tuple(_SPACES) and self.template.startswith(
            "-" + RIGHT, at + 1
        )

    def read_right(self) -> bool:
        trim = not self.starts(RIGHT)
        if trim:
            self.at += 2
        self.add(Kind.RIGHT, RIGHT)
        return trim

    def read_inside(self) -> None:
        if self.at >= len(self.template):
            raise _Fault("unclosed action")
        character = self.template[self.at]
        following = self.template[self.at + 1 : self.at + 2]
        if character in _SPACES:
            self.read_spaces()
        elif character in _SINGLE:
            self.add(_SINGLE[character], character)
        elif character == ":":
            if following != "=":
                raise _Fault("expected :=")
            self.add(Kind.DECLARE, ":=")
        elif character in "\"'`":
            self.read_quoted(character)
        elif character == "$":
            self.read_name(Kind.VARIABLE, Kind.VARIABLE)
        elif character == "." and not ("0" <= following <= "9"):
            self.read_name(Kind.FIELD, Kind.DOT)
        elif character in "+-." or "0" <= character <= "9":
            self.read_number()
        elif character == "_" or character.isalnum():
            self.read_word()
        else:
            self.read_other(character)

    def read_spaces(self) -> None:
        found = _SPACE_RUN.match(self.template, self.at)
        assert found is not None
        text = found.group()
        if self.at_trimming_right(self.at + len(text) - 1):
            text = text[:-1]
        self.add(Kind.SPACE, text)

    def read_other(self, character: str) -> None:
        if character == "(":
            self.depth += 1
            self.add(Kind.LEFT_PAREN, character)
        elif character == ")":
            self.depth -= 1
            if self.depth < 0:
                raise _Fault("unexpected right paren")
            self.add(Kind.RIGHT_PAREN, character)
        elif character.isascii() and character.isprintable():
            self.add(Kind.OTHER, character)
        else:
            raise _Fault(f"unrecognized character in action: {code_point(character)}")

    def read_quoted(self, quote: str) -> None:
        kind, what = {
            '"': (Kind.STRING, "quoted string"),
            "`": (Kind.RAW_STRING, "raw quoted string"),
            "'": (Kind.CHARACTER, "character constant"),
        }[quote]
        end = self.at + 1
        while self.template[end : end + 1] != quote:
            if quote != "`" and self.template[end : end + 1] == "\\":
                end += 1
            if end >= len(self.template) or (quote != "`" and self.template[end] == "\n"):
                raise _Fault(f"unterminated {what}")
            end += 1
        self.add(kind, self.template[self.at : end + 1])

    def read_name(self, kind: Kind, alone: Kind) -> None:
        """Read `.name` or `$name`, or the sign alone."""
        found = _WORD.match(self.template, self.at + 1)
        assert found is not None
        self.check_terminated(found.end())
        self.add(kind if found.group() else alone, self.template[self.at : found.end()])

    def read_word(self) -> None:
        found = _WORD.match(self.template, self.at)
        assert found is not None
        word = found.group()
        self.check_terminated(found.end())
        if word in KEYWORDS:
            self.add(Kind.KEYWORD, word)
        elif word in {"true", "false"}:
            self.add(Kind.BOOLEAN, word)
        else:
            self.add(Kind.NIL if word == "nil" else Kind.IDENTIFIER, word)

    def check_terminated(self, end: int) -> None:
        following = self.template[end : end + 1]
        ends = not following or following in _SPACES + ".,|:()"
        if not ends and not self.template.startswith(RIGHT, end):
            raise _Fault(f"bad character {code_point(following)}")

    def read_number(self) -> None:
        found = _NUMBER.match(self.template, self.at)
        assert found is not None
        end = found.end()
        if self.template[end : end + 1].isalnum() or self.template[end : end + 1] == "_":
            raise _Fault(f'bad number syntax: "{self.template[self.at : end + 1]}"')
        self.add(Kind.NUMBER, self.template[self.at : end])


def code_point(character: str) -> str:
    """A character as Go's %#U writes it."""
    shown = f" '{character}'" if character.isprintable() else ""
    return f"U+{ord(character):04X}{shown}"
