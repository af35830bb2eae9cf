"""Errors on their way from a builder to the program that asked: the same class, words and facts."""

from typing import Any

from wherry.engine.builds.packing import CannotBePacked, class_called, packed, unpacked
from wherry.errors import WherryError, kind_of, rebuilt


def described(error: WherryError | OSError) -> dict[str, object]:
    """The error for marshal. A fact that cannot be told is left out."""
    facts = {}
    for name, fact in vars(error).items():
        try:
            facts[name] = packed(fact)
        except CannotBePacked:
            continue
    if isinstance(error, OSError):
        return {"facts": facts, "kernel": _words_of(error)}
    cls = type(error)
    called = (cls.__module__, cls.__qualname__)
    return {"facts": facts, "class": called, "kind": kind_of(error), "message": str(error)}


def _words_of(error: OSError) -> tuple[object, ...]:
    """What makes an OSError of the same class."""
    if error.errno is None:
        return (str(error),)
    names = (error.filename, error.filename2)
    first, second = (name if isinstance(name, str | bytes) else None for name in names)
    return (error.errno, error.strerror, first, None, second)


def made_again(description: Any) -> WherryError | OSError:
    """The error that was described. No sentence is worded a second time."""
    error: WherryError | OSError
    if "kernel" in description:
        error = OSError(*description["kernel"])
    else:
        cls = _class_called(*description["class"]) or type(rebuilt(description["kind"], ""))
        error = cls.__new__(cls)
        error.args = (description["message"],)
    vars(error).update({name: unpacked(fact) for name, fact in description["facts"].items()})
    return error


def _class_called(module: str, name: str) -> type[WherryError] | None:
    """None for one that a function has made for itself, and for what is no error of ours."""
    try:
        found = class_called(module, name)
    except (AttributeError, ValueError):
        return None
    return found if issubclass(found, WherryError) else None
