"""A request's JSON object, read field by field as Go reads it.

Keys match in any case, null is the same as nothing, unknown keys mean nothing, and a value of the
wrong type is an error that names its path.
"""

from collections.abc import Mapping
from typing import NoReturn

from wherry.errors import InvalidArgument


class WrongType(InvalidArgument):
    def __init__(self, path: str, wanted: str) -> None:
        super().__init__(f"invalid JSON: {path} is not {wanted}")


class Fields:
    """One object. `path` is where it stands in the document, for errors."""

    def __init__(self, value: Mapping[str, object], path: str = "") -> None:
        self._values = {key.lower(): item for key, item in value.items()}
        self._path = path

    def _where(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _wrong(self, key: str, wanted: str) -> NoReturn:
        raise WrongType(self._where(key), wanted)

    @property
    def is_empty(self) -> bool:
        return not self._values

    def has(self, key: str) -> bool:
        """Whether there is something other than null."""
        return self._values.get(key.lower()) is not None

    def raw(self, key: str) -> object:
        return self._values.get(key.lower())

    def text(self, key: str) -> str:
        value = self.raw(key)
        if value is None:
            return ""
        return value if isinstance(value, str) else self._wrong(key, "a string")

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.raw(key)
        if value is None:
            return default
        return value if isinstance(value, bool) else self._wrong(key, "true or false")

    def integer(self, key: str, bits: int = 64) -> int:
        return self.optional_integer(key, bits) or 0

    def optional_integer(self, key: str, bits: int = 64) -> int | None:
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong(key, "a whole number")
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            self._wrong(key, f"a number of {bits} bits")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        return self.optional_texts(key) or ()

    def optional_texts(self, key: str) -> tuple[str, ...] | None:
        """A list of strings; one string is a list of one, as Docker's StrSlice has it."""
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list):
            self._wrong(key, "a list of strings")
        return tuple(
            word if isinstance(word, str) else self._wrong(f"{key}[{number}]", "a string")
            for number, word in enumerate(value)
        )

    def lists(self, key: str) -> list[tuple[str, ...]]:
        """A list of lists of strings."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong(key, "a list of lists of strings")
        return [
            Fields({f"{key}[{number}]": item}, self._path).texts(f"{key}[{number}]")
            for number, item in enumerate(value)
        ]

    def pairs(self, key: str) -> dict[str, str]:
        """An object of strings."""
        return {
            name: word if isinstance(word, str) else self._wrong(f"{key}.{name}", "a string")
            for name, word in self._mapping(key).items()
        }

    def keys(self, key: str) -> tuple[str, ...]:
        """The keys of an object whose values say nothing, such as ExposedPorts."""
        return tuple(self._mapping(key))

    def inner(self, key: str) -> "Fields":
        return Fields(self._mapping(key), self._where(key))

    def objects(self, key: str) -> list["Fields"]:
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong(key, "a list of objects")
        return [self._object(f"{key}[{number}]", item) for number, item in enumerate(value)]

    def named_objects(self, key: str) -> dict[str, "Fields"]:
        """An object of objects; null is an empty one."""
        return {
            name: self._object(f"{key}.{name}", item) for name, item in self._mapping(key).items()
        }

    def _object(self, key: str, item: object) -> "Fields":
        if item is None:
            item = {}
        if not isinstance(item, dict):
            self._wrong(key, "an object")
        return Fields(item, self._where(key))

    def _mapping(self, key: str) -> dict[str, object]:
        value = self.raw(key)
        if value is None:
            return {}
        return value if isinstance(value, dict) else self._wrong(key, "an object")
