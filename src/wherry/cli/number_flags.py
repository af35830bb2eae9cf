"""Flags whose values are numbers, of which the commands that must start fastest have none."""

from wherry.cli.flags import Flag

TYPE_CHECKING = False  # typing is not imported at start-up; type checkers know this name
if TYPE_CHECKING:
    from types import ModuleType

    from wherry.cli.flags import FlagSet


def _units() -> "ModuleType":
    from wherry.cli import units  # most command lines have no number

    return units


class Integer(Flag):
    """A signed number of 64 bits."""

    type_name = "int"
    empty: object = 0

    def read(self, text: str) -> object:
        return _units().parse_int(text)

    if TYPE_CHECKING:

        def __get__(self, flags: "FlagSet", owner: type) -> int: ...


class Unsigned(Integer):
    """A number that is not negative."""

    type_name = "uint"

    def read(self, text: str) -> object:
        return _units().parse_uint(text)


class Unsigned16(Integer):
    """A number from 0 to 65535."""

    type_name = "uint16"

    def read(self, text: str) -> object:
        return _units().parse_uint(text, 16)


class Bytes(Integer):
    """A size such as 512m, in bytes."""

    type_name = "bytes"

    def read(self, text: str) -> object:
        return _units().parse_bytes(text)


class BytesOrUnlimited(Bytes):
    """A size in bytes, or -1 for no limit."""

    def read(self, text: str) -> object:
        return -1 if text == "-1" else _units().parse_bytes(text)


class Duration(Integer):
    """A duration such as 1m30s, in nanoseconds."""

    type_name = "duration"

    def read(self, text: str) -> object:
        return _units().parse_duration(text)


class Cpus(Integer):
    """A number of processors such as 1.5, in thousand millionths."""

    type_name = "decimal"

    def read(self, text: str) -> object:
        return _units().parse_nano(text)
