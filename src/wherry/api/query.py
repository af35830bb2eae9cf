"""The query of a request's address, in Docker's reading of booleans, numbers and filters."""

import json
from collections.abc import Mapping

from wherry.errors import InvalidArgument

_FALSE = frozenset(("", "0", "no", "false", "none"))
_LONGEST_FILTERS = 1 << 16


class InvalidParameter(InvalidArgument):
    def __init__(self, key: str, text: str) -> None:
        super().__init__(f'invalid value for "{key}": {text!r}')


class Query:
    """The first value of each key counts, but for those that may be given several times."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    def has(self, key: str) -> bool:
        return bool(self.text(key))

    def text(self, key: str, default: str = "") -> str:
        return self._values.get(key, [""])[0] or default

    def texts(self, key: str) -> list[str]:
        return self._values.get(key, [])

    def flag(self, key: str, default: bool = False) -> bool:
        """Everything is true but nothing, 0, no, false and none, whatever their case."""
        if key not in self._values:
            return default
        return self.text(key).strip().lower() not in _FALSE

    def integer(self, key: str, default: int = 0) -> int:
        found = self.optional_integer(key)
        return default if found is None else found

    def optional_integer(self, key: str) -> int | None:
        text = self.text(key)
        if not text:
            return None
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
            raise InvalidParameter(key, text)
        return int(text)

    def filters(self) -> dict[str, tuple[str, ...]]:
        """`{"label": ["a", "b"]}`, or as older clients write it `{"label": {"a": true}}`."""
        text = self.text("filters")
        if not text:
            return {}
        if len(text) > _LONGEST_FILTERS:
            raise InvalidArgument("invalid filter: it is too long")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise InvalidArgument("invalid filter")
        # A key without values asks for nothing, as in Docker.
        return {key: words for key, value in found.items() if (words := _words(value))}


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, dict):
        value = list(value)  # whatever it says of each, as Docker reads it
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise InvalidArgument("invalid filter")
    return tuple(dict.fromkeys(value))
