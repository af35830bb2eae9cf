"""Values of ours on their way to another of our processes: in what marshal knows, and back.

    what marshal knows      itself
    collections, paths      (kind, parts)
    values, enums, digests  (module, class, parts)

No class but this package's is looked for on the way back: unlike pickle it gives nobody a way to
call what they like.
"""

import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from wherry.values import fields, is_dataclass

_OURS = f"{__name__.partition('.')[0]}."
_PLAIN = (type(None), bool, int, float, str, bytes)
_COLLECTIONS: dict[str, type] = {kind.__name__: kind for kind in (tuple, list, set, frozenset)}
_MAPPING, _PATH = "mapping", "path"
_PARSE = "parse"  # the method of what is made of a text, as for `wherry.oci.codec`


class CannotBePacked(Exception):
    """A value of a class that is neither ours nor known."""

    def __init__(self, value: object) -> None:
        super().__init__(type(value).__name__)


def packed(value: object) -> object:
    """`value` for marshal, or CannotBePacked."""
    cls = type(value)
    if cls in _PLAIN:
        return value
    if cls.__name__ in _COLLECTIONS and cls is _COLLECTIONS[cls.__name__]:
        return (cls.__name__, _parts(value))
    if isinstance(value, Mapping):
        return (_MAPPING, tuple((packed(key), packed(item)) for key, item in value.items()))
    if isinstance(value, Path):
        return (_PATH, str(value))
    if cls.__module__.startswith(_OURS):
        return (cls.__module__, cls.__qualname__, _content(value))
    if isinstance(value, str):  # of a class of the program's own
        return str.__str__(value)
    raise CannotBePacked(value)


def _content(value: Any) -> object:
    if is_dataclass(value):
        return tuple(packed(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, Enum):
        return packed(value.value)
    if isinstance(value, tuple):  # with names
        return _parts(value)
    if hasattr(value, _PARSE):
        return str(value)
    raise CannotBePacked(value)


def _parts(collection: Any) -> tuple[object, ...]:
    return tuple(packed(part) for part in collection)


def unpacked(value: Any) -> Any:
    """What `packed` has made this of."""
    if not isinstance(value, tuple):
        return value
    if len(value) == 3:
        module, name, content = value
        return _made(class_called(module, name), content)
    kind, parts = value
    if kind == _PATH:
        return Path(parts)
    if kind == _MAPPING:
        return {unpacked(key): unpacked(item) for key, item in parts}
    return _COLLECTIONS[kind](map(unpacked, parts))


def _made(cls: type[Any], content: Any) -> object:
    if is_dataclass(cls):
        made = object.__new__(cls)
        for field, part in zip(fields(cls), content, strict=True):
            object.__setattr__(made, field.name, unpacked(part))  # it may be frozen
        return made
    if issubclass(cls, Enum):
        return cls(unpacked(content))
    if issubclass(cls, tuple):
        return tuple.__new__(cls, map(unpacked, content))
    return cls.parse(content)


def class_called(module: str, name: str) -> type:
    """The class of this package that a module has under that name."""
    if not module.startswith(_OURS):
        raise ValueError(module)
    __import__(module)
    found = getattr(sys.modules[module], name)
    if not isinstance(found, type):
        raise TypeError(name)
    return found
