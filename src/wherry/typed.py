"""The words of `typing` for modules that every start of a container loads.

To import `typing` takes six milliseconds, and of memory what each idle container then has a share
in. Type checkers see the originals here; what runs only lets a declaration be read.
"""

__all__ = [
    "TYPE_CHECKING",
    "Any",
    "ClassVar",
    "NoReturn",
    "Protocol",
    "Self",
    "TypeVar",
    "cast",
    "final",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, NoReturn, Protocol, Self, TypeVar, cast, final
else:

    class Any:
        pass

    class ClassVar:
        def __class_getitem__(cls, _kind):
            return cls

    class NoReturn:
        pass

    class Protocol:
        pass

    class Self:
        pass

    def TypeVar(_name, *_kinds, bound=Any):  # noqa: N802  as typing names it
        return bound

    def cast(_kind, value):
        return value

    def final(cls):
        return cls
