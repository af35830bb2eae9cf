"""Values as a template sees them: Go's types, truth, length and JSON of Python's objects.

Plain dictionaries and lists stand for decoded JSON. The classes here stand for what only typed
data have: structs, whose unknown fields are errors, and the different kinds of nothing.
"""

import json
from collections.abc import Iterator, Mapping

MISSING = type("Missing", (), {"__repr__": lambda _self: "MISSING", "__bool__": lambda _s: False})()
"""What a name that is not there evaluates to; printed as <no value>."""


class Struct(dict[str, object]):
    """An object with a fixed set of fields, in their order; JSON leaves `omitted` ones out.

    `embedded` names the structs inside it by the fields that they have in common with it. One with
    a `type_name` is called so in errors; those of others are a map's, as which Docker tries again
    what fails on the struct.
    """

    def __init__(
        self,
        fields: Mapping[str, object],
        omitted: frozenset[str] = frozenset(),
        embedded: Mapping[str, tuple[str, ...]] | None = None,
        type_name: str = "",
    ) -> None:
        super().__init__(fields)
        self.omitted = omitted
        self.embedded = embedded or {}
        self.type_name = type_name

    def part(self, name: str) -> "Struct":
        """The embedded struct called `name`."""
        return Struct({key: self[key] for key in self.embedded[name]}, self.omitted)

    def parts(self) -> Iterator[tuple[str, object]]:
        """What it prints as: its fields, with the embedded structs in the places of theirs."""
        inner = {key: name for name, keys in self.embedded.items() for key in keys}
        for key, value in self.items():
            name = inner.get(key)
            if name is None:
                yield key, value
            elif key == self.embedded[name][0]:
                yield name, self.part(name)


class Duration(int):
    """Nanoseconds that print as 1m30s."""

    def __str__(self) -> str:
        if abs(self) < _SECOND:
            for unit, name in ((_MILLISECOND, "ms"), (_MICROSECOND, "µs"), (1, "ns")):
                if abs(self) >= unit:
                    return f"{self / unit:.15g}{name}"
            return "0s"
        whole, rest = divmod(abs(self), 60 * _SECOND)
        hours, minutes = divmod(whole, 60)
        seconds = f"{rest // _SECOND}.{rest % _SECOND:09}".rstrip("0").rstrip(".")
        text = f"{minutes}m{seconds}s" if whole else f"{seconds}s"
        return ("-" if self < 0 else "") + (f"{hours}h{text}" if hours else text)


class Moment(str):
    """A time in RFC 3339, which prints as Go prints one: 2026-11-25 00:55:00.5 +0000 UTC."""

    __slots__ = ()

    def __str__(self) -> str:
        return self[:].replace("T", " ", 1).removesuffix("Z") + " +0000 UTC"


_MICROSECOND = 10**3
_MILLISECOND = 10**6
_SECOND = 10**9


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
        return value.type_name or "struct"
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
