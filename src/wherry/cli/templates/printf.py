"""Go's fmt verbs for the values of templates: %v %d %s %q %x %T %t %f %g %e %c %U and flags."""

import re

from wherry.cli.templates.lexer import code_point
from wherry.cli.templates.values import MISSING, Duration, Methods, Moment, Nil, Struct, type_name
from wherry.go_text import quoted
from wherry.values import dataclass, replace

_DIRECTIVE = re.compile(
    r"%(?P<flags>[-+# 0]*)"
    r"(?:\[(?P<index>\d+)\])?"
    r"(?P<width>\*|\d+)?"
    r"(?P<dot>\.(?P<precision>\*|\d+)?)?"
    r"(?:\[(?P<verb_index>\d+)\])?"
    r"(?P<verb>.)?",
    re.DOTALL,
)


@dataclass(slots=True)
class _Style:
    """The flags, width and precision of one directive."""

    minus: bool = False
    plus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    width: int | None = None
    precision: int | None = None


_PLAIN = _Style()
_LARGEST_EXPONENT = 6  # from here on a float is written with an exponent


def sprint(arguments: list[object]) -> str:
    """What Go's Sprint writes: a space between two values when neither is a string."""
    text = ""
    for index, argument in enumerate(arguments):
        if index and not isinstance(argument, str):
            text += "" if isinstance(arguments[index - 1], str) else " "
        text += go_text(argument)
    return text


def sprintln(arguments: list[object]) -> str:
    """What Go's Sprintln writes: spaces between all values, a line break at the end."""
    return " ".join(go_text(argument) for argument in arguments) + "\n"


def go_text(value: object) -> str:
    """`value` as %v writes it."""
    return _verb_v(value, _PLAIN)


def sprintf(template: str, arguments: list[object]) -> str:
    """What Go's Sprintf writes, its notes on mistakes included."""
    formatter = _Formatter(arguments)
    text = _DIRECTIVE.sub(formatter.replace, template)
    return text + formatter.extra()


class _Formatter:
    """Replaces directives one after the other, each taking the next argument."""

    def __init__(self, arguments: list[object]) -> None:
        self.arguments = arguments
        self.at = 0
        self.reordered = False

    def replace(self, found: re.Match[str]) -> str:
        verb = found["verb"]
        if verb is None:
            return "%!(NOVERB)"
        style, complaint = self.style_of(found)
        if verb == "%":
            return complaint + "%"
        index = found["verb_index"] or (found["index"] if not found["width"] else None)
        if index is not None and not self.jump(index):
            return f"{complaint}%!{verb}(BADINDEX)"
        if self.at >= len(self.arguments):
            return f"{complaint}%!{verb}(MISSING)"
        argument = self.arguments[self.at]
        self.at += 1
        return complaint + _formatted(argument, verb, style)

    def jump(self, index: str) -> bool:
        self.reordered = True
        self.at = int(index) - 1
        return 0 <= self.at < len(self.arguments)

    def style_of(self, found: re.Match[str]) -> tuple[_Style, str]:
        flags = found["flags"]
        style = _Style("-" in flags, "+" in flags, "#" in flags, " " in flags, "0" in flags)
        complaint = ""
        if found["width"] == "*":
            if found["index"]:
                self.jump(found["index"])
            style.width, complaint = self.star("WIDTH")
            if style.width is not None and style.width < 0:
                style.minus, style.width = True, -style.width
        elif found["width"]:
            style.width = int(found["width"])
        if found["dot"] is not None:
            style.precision = int(found["precision"] or 0) if found["precision"] != "*" else None
        if found["precision"] == "*":
            style.precision, problem = self.star("PREC")
            complaint += problem
        if style.minus:
            style.zero = False
        return style, complaint

    def star(self, what: str) -> tuple[int | None, str]:
        """A width or precision that is itself an argument."""
        argument = self.arguments[self.at] if self.at < len(self.arguments) else None
        self.at += 1
        if not isinstance(argument, int) or isinstance(argument, bool):
            return None, f"%!(BAD{what})"
        return (argument, "") if abs(argument) <= 1_000_000 else (None, f"%!(BAD{what})")

    def extra(self) -> str:
        rest = self.arguments[self.at :]
        if self.reordered or not rest:
            return ""
        shown = ", ".join(
            "<nil>" if item is None else f"{type_name(item)}={go_text(item)}" for item in rest
        )
        return f"%!(EXTRA {shown})"


def _formatted(value: object, verb: str, style: _Style) -> str:
    if verb == "T":
        return _padded(type_name(value), style)
    if verb == "v":
        return _verb_v(value, style)
    if isinstance(value, bool):
        text = _padded(str(value).lower(), style) if verb == "t" else None
    elif isinstance(value, int):
        text = _integer(value, verb, style)
    elif isinstance(value, float):
        text = _float(value, verb, style)
    elif isinstance(value, str):
        text = _string(value, verb, style)
    elif isinstance(value, dict | list | tuple | Methods):
        return _compound(value, style, verb)
    else:
        text = None
    return text if text is not None else _bad_verb(value, verb)


def _bad_verb(value: object, verb: str) -> str:
    if value is None or value is MISSING:
        return f"%!{verb}(<nil>)"
    return f"%!{verb}({type_name(value)}={go_text(value)})"


def _verb_v(value: object, style: _Style) -> str:
    if value is None or value is MISSING:
        return _padded("<nil>", style)
    if isinstance(value, Nil):
        return _padded(value.text, style)
    if isinstance(value, bool):
        return _padded(str(value).lower(), style)
    if isinstance(value, Duration | Moment):
        return _padded(str(value), style)
    if isinstance(value, str):
        return _padded(quoted(value), style) if style.sharp else _string(value, "s", style) or ""
    if isinstance(value, int | float):
        plain = replace(style, plus=False, sharp=False)  # here they ask for names and Go syntax
        text = _integer(value, "d", plain) if isinstance(value, int) else _float(value, "g", plain)
        return text or ""
    if isinstance(value, dict | list | tuple | Methods):
        return _compound(value, style, "v")
    return _padded(str(value), style)


def _compound(value: object, style: _Style, verb: str) -> str:
    """A map, list or struct: the verb applies to what is in it."""
    if isinstance(value, Methods):
        value = value.as_json()
    if isinstance(value, Struct):
        parts = (
            (f"{key}:" if style.plus else "") + _formatted(item, verb, style)
            for key, item in value.parts()
        )
        return "{" + " ".join(parts) + "}"
    if isinstance(value, dict):
        pairs = (
            f"{_formatted(key, verb, style)}:{_formatted(value[key], verb, style)}"
            for key in sorted(value)
        )
        return "map[" + " ".join(pairs) + "]"
    assert isinstance(value, list | tuple)
    return "[" + " ".join(_formatted(item, verb, style) for item in value) + "]"


_BASES = {"d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES = {"b": "0b", "o": "0", "O": "0o", "x": "0x", "X": "0X"}


def _integer(value: int, verb: str, style: _Style) -> str | None:
    if verb == "c":
        return _padded(chr(value) if 0 <= value < 0x110000 else "\ufffd", style)
    if verb == "q":
        character = chr(value) if 0 <= value < 0x110000 else "\ufffd"
        inner = quoted(character)[1:-1].replace('\\"', '"').replace("'", "\\'")
        return _padded(f"'{inner}'", style)
    if verb == "U":
        return _padded(code_point(chr(value)) if style.sharp else f"U+{value:04X}", style)
    if verb not in _BASES:
        return None
    digits = format(abs(value), _BASES[verb])
    if style.precision is not None:
        digits = digits.zfill(style.precision) if style.precision or value else ""
    if verb == "O" or (style.sharp and verb in _PREFIXES):
        digits = _PREFIXES[verb] + digits
    return _signed(value < 0, digits, style, zero_fill=style.precision is None)


def _float(value: float, verb: str, style: _Style) -> str | None:
    if verb not in "eEfFgG":
        return None
    size = abs(value)
    if value != value or size == float("inf"):
        digits = "NaN" if value != value else "Inf"
        negative = value < 0
        sign = "-" if negative else "+" if style.plus or digits == "Inf" else ""
        return _padded(sign + digits, style)
    if verb in "gG" and style.precision is None:
        digits = shortest(size)
        digits = digits.upper() if verb == "G" else digits
    else:
        precision = 6 if style.precision is None else style.precision
        digits = format(size, f"{'#' if style.sharp else ''}.{precision}{verb}")
    return _signed(value < 0 or str(value) == "-0.0", digits, style, zero_fill=True)


def shortest(size: float) -> str:
    """The shortest digits that mean `size`, with an exponent below 1e-4 and from 1e6 on."""
    mantissa, _, exponent_text = repr(size).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent_text or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    if not digits:
        return "0"
    exponent = point - 1
    if exponent < -4 or exponent >= _LARGEST_EXPONENT:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{digits[0]}{tail}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if point <= 0:
        return "0." + "0" * -point + digits
    if len(digits) <= point:
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


def _signed(negative: bool, digits: str, style: _Style, *, zero_fill: bool) -> str:
    sign = "-" if negative else "+" if style.plus else " " if style.space else ""
    if style.zero and zero_fill and style.width is not None:
        digits = digits.zfill(style.width - len(sign))
    return _padded(sign + digits, style, fill=" ")


def _string(value: str, verb: str, style: _Style) -> str | None:
    if style.precision is not None and verb in "sq":
        value = value[: style.precision]
    if verb == "s":
        return _padded(value, style)
    if verb == "q":
        if style.sharp and "`" not in value and value.isprintable():
            return _padded(f"`{value}`", style)
        return _padded(quoted(value, ascii_only=style.plus), style)
    if verb in "xX":
        raw = value.encode("utf-8", "surrogateescape")
        raw = raw if style.precision is None else raw[: style.precision]
        text = raw.hex(" ") if style.space else raw.hex()
        text = ("0x" if style.sharp and text else "") + text
        return _padded(text.upper() if verb == "X" else text, style)
    return None


def _padded(text: str, style: _Style, *, fill: str | None = None) -> str:
    if style.width is None:
        return text
    if style.minus:
        return text.ljust(style.width)
    return text.rjust(style.width, fill or ("0" if style.zero else " "))
