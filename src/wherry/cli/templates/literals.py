"""Go's literals: strings, characters and numbers."""

_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
}
_HEX_LENGTHS = {"x": 2, "u": 4, "U": 8}


class LiteralError(Exception):
    """A literal that Go would not take, with its words."""


def unquoted(source: str) -> str:
    """The string that `"..."` or a raw string in backquotes stands for."""
    if source[0] == "`":
        return source[1:-1].replace("\r", "")
    value = _unescaped(source[1:-1], '"')
    if value is None:
        raise LiteralError("invalid syntax")
    return value


def number_of(source: str) -> int | float:
    """The number that a number or a character constant stands for."""
    if source[0] == "'":
        value = _unescaped(source[1:-1], "'")
        if value is None or len(value) != 1:
            raise LiteralError(f"malformed character constant: {source}")
        return ord(value)
    if source.endswith("i"):
        raise LiteralError(f"complex numbers are not supported: {source}")
    whole = _integer(source)
    number = _floating(source) if whole is None else whole
    if number is None:
        raise LiteralError(f'illegal number syntax: "{source}"')
    if isinstance(number, int) and not -(1 << 63) <= number < 1 << 64:
        raise LiteralError(f'integer overflow: "{source}"')
    return number


def _integer(source: str) -> int | None:
    digits = source.lstrip("+-")
    leading_zero = len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567_"
    try:
        return int(source, 8 if leading_zero else 0)
    except ValueError:
        return None


def _floating(source: str) -> float | None:
    try:
        number = float.fromhex(source) if "x" in source.lower() else float(source)
    except (ValueError, OverflowError):
        return None
    # Go takes 1e3 for an integer where one is wanted.
    if number.is_integer() and abs(number) < 1 << 63:
        return WholeFloat(number)
    return number


class WholeFloat(float):
    """A float constant that is a whole number, and so may stand where an integer is wanted."""


def _unescaped(text: str, quote: str) -> str | None:
    parts: list[str] = []
    rest = text
    while rest:
        before, backslash, rest = rest.partition("\\")
        if quote in before or "\n" in before:
            return None
        parts.append(before)
        if not backslash:
            break
        character, rest = _escape(rest, quote)
        if character is None:
            return None
        parts.append(character)
    return "".join(parts)


def _escape(text: str, quote: str) -> tuple[str | None, str]:
    """The character that an escape without its backslash stands for, and what follows it."""
    letter = text[:1]
    if letter == quote:
        return quote, text[1:]
    if letter in _SIMPLE:
        return _SIMPLE[letter], text[1:]
    if letter in _HEX_LENGTHS:
        length = _HEX_LENGTHS[letter]
        return _code(text[1 : 1 + length], 16, length), text[1 + length :]
    if letter and letter in "01234567":
        return _code(text[:3], 8, 3), text[3:]
    return None, text


def _code(digits: str, base: int, length: int) -> str | None:
    if len(digits) != length or not digits.isalnum():
        return None
    try:
        return chr(int(digits, base))
    except (ValueError, OverflowError):
        return None
