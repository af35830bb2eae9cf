"""Reading and writing JSON documents as frozen dataclasses.

A document is a dataclass whose fields are named as in Python; its JSON keys follow from them:

    no_new_privileges  ->  noNewPrivileges      camelCase, unless JSON_CASE says otherwise
    field(metadata={"json": "oomScoreAdj"})     a key that no rule gives

A field equal to its default is left out when written, unless its metadata has `always`, for
readers that insist on it. A field `extra: dict[str, object]`
keeps what the class does not know, so that a document read and written again has the same
digest; without it unknown keys are ignored, as both the OCI specs and Docker ask.

All faults of a document are reported together, each with its path: `mounts[2].source`.
"""

import types
from collections.abc import Callable, Mapping
from enum import Enum

from wherry.errors import InvalidArgument
from wherry.typed import Any, TypeVar, cast
from wherry.values import MISSING, Field, fields, is_dataclass

T = TypeVar("T")

# Python's JSON reader recurses; a document nested deeper than this is an attack or an error.
MAXIMUM_DEPTH = 200


class InvalidDocument(InvalidArgument):
    """A document that does not have the form its specification asks for."""

    def __init__(self, kind: str, faults: list[tuple[str, str]]) -> None:
        self.kind = kind
        self.faults = faults
        super().__init__(
            f"invalid {kind}: " + "; ".join(f"{path or '(top)'}: {text}" for path, text in faults)
        )


class _Fault(Exception):
    pass


_Faults = list[tuple[str, str]]
_Reader = Callable[[object, str, _Faults], Any]


def from_json(kind: type[T], data: object) -> T:
    """The document of class `kind` that `data`, parsed JSON, describes, or InvalidDocument."""
    faults: _Faults = []
    try:
        value = _reader(kind)(data, "", faults)
    except _Fault:
        value = None
    if faults:
        raise InvalidDocument(kind.__name__, faults)
    return cast(T, value)


def to_json(value: object) -> Any:
    """`value` as what `json.dumps` takes; fields equal to their defaults are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        return _object_to_json(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)  # digests, references and paths print as themselves


def camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def pascal_case(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _object_to_json(value: Any) -> dict[str, object]:
    result: dict[str, object] = {}
    for name, key, field in _keys(type(value)):
        item = getattr(value, name)
        if name == "extra":
            continue
        optional = not field.metadata.get("always")
        if optional and field.default is not MISSING and item == field.default:
            continue
        if field.default_factory is not MISSING and not item:
            continue
        result[key] = to_json(item)
    result.update(getattr(value, "extra", {}))
    return result


_keys_of: dict[type, tuple[tuple[str, str, "Field[Any]"], ...]] = {}
_readers: dict[Any, _Reader] = {}


def _keys(kind: type) -> tuple[tuple[str, str, "Field[Any]"], ...]:
    if kind not in _keys_of:
        case = getattr(kind, "JSON_CASE", camel_case)
        _keys_of[kind] = tuple(
            (field.name, field.metadata.get("json") or case(field.name), field)
            for field in fields(kind)
        )
    return _keys_of[kind]


def _reader(kind: Any) -> _Reader:
    if kind not in _readers:
        _readers[kind] = _make_reader(kind)
    return _readers[kind]


def _make_reader(kind: Any) -> _Reader:
    arguments: tuple[Any, ...] = getattr(kind, "__args__", ())
    if isinstance(kind, types.UnionType):
        return _optional_reader(arguments)
    origin = getattr(kind, "__origin__", None)
    if origin is tuple:
        return _array_reader(arguments[0])
    if origin is dict:
        return _map_reader(arguments[1])
    if is_dataclass(kind):
        return _object_reader(cast(type, kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_reader(kind)
    if kind in _SCALARS:
        return _scalar_reader(kind)
    if kind in (object, Any):
        return lambda data, _path, _faults: data
    if hasattr(kind, "parse"):  # value types such as Digest read themselves
        return _parsed_reader(kind)
    raise TypeError(f"no JSON form is known for {kind!r}")


def _fault(faults: _Faults, path: str, text: str) -> _Fault:
    faults.append((path, text))
    return _Fault()


_SCALARS: dict[type, str] = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}


def _scalar_reader(kind: type) -> _Reader:
    def read(data: object, path: str, faults: _Faults) -> object:
        fits = isinstance(data, (int, float) if kind is float else kind)
        if not fits or (isinstance(data, bool) and kind is not bool):
            raise _fault(faults, path, f"must be {_SCALARS[kind]}")
        return data

    return read


def _enum_reader(kind: type[Enum]) -> _Reader:
    def read(data: object, path: str, faults: _Faults) -> object:
        try:
            return kind(data)
        except ValueError:
            known = ", ".join(str(member.value) for member in kind)
            raise _fault(faults, path, f"{data!r} is not one of {known}") from None

    return read


def _parsed_reader(kind: Any) -> _Reader:
    def read(data: object, path: str, faults: _Faults) -> object:
        if not isinstance(data, str):
            raise _fault(faults, path, "must be a string")
        try:
            return kind.parse(data)
        except (ValueError, InvalidArgument) as error:
            raise _fault(faults, path, str(error)) from error

    return read


def _optional_reader(arguments: tuple[Any, ...]) -> _Reader:
    (kind,) = (argument for argument in arguments if argument is not type(None))
    inner = _reader(kind)
    return lambda data, path, faults: None if data is None else inner(data, path, faults)


def _array_reader(kind: Any) -> _Reader:
    inner = _reader(kind)

    def read(data: object, path: str, faults: _Faults) -> object:
        if data is None:  # Go writes a nil slice as null
            return ()
        if not isinstance(data, list):
            raise _fault(faults, path, "must be an array")
        items = []
        for index, item in enumerate(data):
            try:
                items.append(inner(item, f"{path}[{index}]", faults))
            except _Fault:
                continue
        return tuple(items)

    return read


def _map_reader(kind: Any) -> _Reader:
    inner = _reader(kind)

    def read(data: object, path: str, faults: _Faults) -> object:
        if data is None:
            return {}
        if not isinstance(data, dict):
            raise _fault(faults, path, "must be an object")
        items = {}
        for key, item in data.items():
            try:
                items[key] = inner(item, f"{path}.{key}" if path else key, faults)
            except _Fault:
                continue
        return items

    return read


def _object_reader(kind: type) -> _Reader:
    # Of each field its name, its key, whether it may be missing, and what reads it.
    fields: tuple[tuple[str, str, bool, _Reader], ...] | None = None

    def read(data: object, path: str, faults: _Faults) -> object:
        nonlocal fields
        if not isinstance(data, dict):
            raise _fault(faults, path, "must be an object")
        if fields is None:  # on first use: a class may refer to itself
            fields = tuple(
                (name, key, _has_default(field), _reader(field.type))
                for name, key, field in _keys(kind)
            )
        before = len(faults)
        values: dict[str, object] = {}
        keeps_unknown = False
        for name, key, optional, reader in fields:
            if name == "extra":
                keeps_unknown = True
                continue
            value = data.get(key)
            if value is None and optional:
                continue
            here = f"{path}.{key}" if path else key
            if value is None and key not in data:
                faults.append((here, "is missing"))
                continue
            try:
                values[name] = reader(value, here, faults)
            except _Fault:
                continue
        if len(faults) > before:
            raise _Fault
        if keeps_unknown:
            known = {key for _, key, _, _ in fields}
            values["extra"] = {key: item for key, item in data.items() if key not in known}
        return kind(**values)

    return read


def _has_default(field: "Field[Any]") -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING
