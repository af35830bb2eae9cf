"""Values as a template sees them: Go's types, truth, length and JSON of Python's objects.

Plain dictionaries and lists stand for decoded JSON. The classes here stand for what only typed
data have: structs, whose unknown fields are errors, and the different kinds of nothing.
"""

import json
from collections.abc import Mapping

MISSING = type("Missing", (), {"__repr__": lambda _self: "MISSING", "__bool__": lambda _s: False})()
"""What a name that is not there evaluates to; printed as <no value>."""


class Struct(dict[str, object]):
    """An object with a fixed set of fields, in their order; JSON leaves `omitted` ones out."""

    type_name = "struct"

    def __init__(self, fields: Mapping[str, object], omitted: frozenset[str] = frozenset()) -> None:
        super().__init__(fields)
        self.omitted = omitted


class Map(dict[str, object]):
    """A typed map: a key that is not there gives `zero`."""

    def __init__(self, items: dict[str, object], element: str = "string") -> None:
        super().__init__(items)
        self.element = element

    @property
    def zero(self) -> object:
        return "" if self.element == "string" else NIL_POINTER


class StringList(list[str]):
    """A typed list."""


class Nil:
    """A typed nothing: a nil slice, map or pointer."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0


NIL_LIST = Nil("[]")
NIL_MAP = Nil("map[]")
NIL_POINTER = Nil("<nil>")


class Methods:
    """An object whose fields are found by name, as the rows of a listing are.

    `field` answers a value, or a callable for a field that takes arguments; KeyError when
    there is no such field.
    """

    type_name = "struct"
    html_safe = True  # whether its JSON may stand in HTML, as Docker's rows may

    def field(self, name: str) -> object:
        raise NotImplementedError

    def as_json(self) -> object:
        """What the function `json` writes of the object."""
        raise NotImplementedError


def type_name(value: object) -> str:
    """The Go type that `value` would have, as errors name it."""
    for kind, name in _TYPE_NAMES:
        if isinstance(value, kind):
            return name
    if isinstance(value, Map):
        return f"map[string]{value.element}"
    if isinstance(value, Struct | Methods):
        return value.type_name
    if isinstance(value, dict):
        return "map[string]interface {}"
    if isinstance(value, list | tuple):
        return "[]string" if isinstance(value, StringList) else "[]interface {}"
    return "<nil>"


_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "float64"),
    (str, "string"),
)


def is_nothing(value: object) -> bool:
    """Whether `value` is nil or not there at all."""
    return value is None or value is MISSING or isinstance(value, Nil)


def truth(value: object) -> bool:
    """Whether `value` is true for `if`: not zero, not empty, not nil."""
    if isinstance(value, Struct | Methods):
        return True  # a struct is always true
    return bool(value)


_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def as_html_json(value: object) -> str:
    """`value` in JSON that may stand in HTML, which is what Go makes of the rows of a listing."""
    return as_json(value).translate(_ESCAPES)


def as_json(value: object) -> str:
    """`value` in JSON as Go writes it: no spaces, keys of maps sorted."""
    if isinstance(value, Methods) and value.html_safe:
        return as_html_json(value.as_json())
    # surrogates are bytes that were not UTF-8; Go writes the replacement character
    text = json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _plain(value: object) -> object:
    if is_nothing(value):
        return None
    if isinstance(value, Methods):
        return _plain(value.as_json())
    if isinstance(value, Struct):
        return {key: _plain(item) for key, item in value.items() if key not in value.omitted}
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value
