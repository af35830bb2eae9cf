"""`wherry.values` beside the standard library's `dataclasses`: the same answers."""

import dataclasses
import inspect
import pickle
from typing import Any, ClassVar

import pytest

from wherry import value_classes


def classes(module: Any) -> dict[str, Any]:
    """One class of each form that the project uses, made by `module`."""
    dataclass, field = module.dataclass, module.field

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Frozen:
        KIND: ClassVar[str] = "k"
        first: int
        second: str = "x"
        third: list[int] = field(default_factory=list)
        apart: int = field(default=0, compare=False)
        unhashed: dict[str, int] = field(default_factory=dict, hash=False)

    @dataclass(slots=True)
    class Open:
        args: int
        kwargs: int = 2
        made: int = field(default=7, init=False)

    @dataclass(frozen=True)
    class Checked:
        value: int

        def __post_init__(self) -> None:
            if self.value < 0:
                raise ValueError("negative")

    @dataclass(frozen=True, eq=False)
    class ByIdentity:
        value: int

    @dataclass(frozen=True, slots=True)
    class Base:
        one: int
        two: int = 2

    @dataclass(frozen=True, slots=True)
    class Derived(Base):
        three: int = 3

        def __repr__(self) -> str:
            return "own"

    @dataclass(frozen=True, slots=True)
    class Empty:
        pass

    return {one.__name__: one for one in (Frozen, Open, Checked, ByIdentity, Base, Derived, Empty)}


OURS, THEIRS = classes(value_classes), classes(dataclasses)

CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Frozen", (), {"first": 1}),
    ("Frozen", (), {"first": 1, "third": [1], "apart": 5}),
    ("Frozen", (1,), {}),
    ("Frozen", (), {}),
    ("Frozen", (), {"first": 1, "unknown": 2}),
    ("Open", (1,), {}),
    ("Open", (1, 3), {}),
    ("Open", (1, 3, 7), {}),
    ("Checked", (1,), {}),
    ("Checked", (-1,), {}),
    ("ByIdentity", (1,), {}),
    ("Derived", (1,), {"three": 4}),
    ("Derived", (1, 2, 3), {}),
    ("Empty", (), {}),
]


def outcome(kinds: dict[str, Any], call: tuple[str, tuple[Any, ...], dict[str, Any]]) -> object:
    name, args, kwargs = call
    try:
        value = kinds[name](*args, **kwargs)
    except (TypeError, ValueError) as error:
        return type(error).__name__, str(error)
    again = kinds[name](*args, **kwargs)
    try:
        hashed = hash(value) == hash(again)
    except TypeError as error:
        hashed = str(error).split(":")[0] == "unhashable type"
    return {
        "equal": (value == again, value != again, value == 1),
        "hashed": hashed,
        "repr": repr(value).replace("classes.<locals>.", ""),
        "dict": dataclasses.asdict(value),
        "names": [one.name for one in dataclasses.fields(value)],
        "match": kinds[name].__match_args__,
        "signature": str(inspect.signature(kinds[name])),
        "weight": hasattr(value, "__dict__"),
    }


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]}{call[1]}{call[2]}")
def test_an_object_is_as_the_standard_library_s(
    call: tuple[str, tuple[Any, ...], dict[str, Any]],
) -> None:
    ours, theirs = outcome(OURS, call), outcome(THEIRS, call)
    if isinstance(theirs, dict):
        theirs["signature"] = theirs["signature"].replace("<factory>", "MISSING")
    assert ours == theirs


def test_a_signature_is_known_before_the_first_object() -> None:
    @value_classes.dataclass(frozen=True)
    class Fresh:
        args: int
        kwargs: int = 1

    assert str(inspect.signature(Fresh)) == "(args: int, kwargs: int = 1) -> None"
    assert Fresh(2) == Fresh(2)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["first", "other"])
def test_a_frozen_object_cannot_be_changed(name: str) -> None:
    value = OURS["Frozen"](first=1)
    with pytest.raises(AttributeError, match="cannot assign"):
        setattr(value, name, 2)
    with pytest.raises(AttributeError, match="cannot delete"):
        delattr(value, name)
    assert value.first == 1


def test_replace_and_astuple() -> None:
    value = OURS["Derived"](1)
    assert value_classes.astuple(value_classes.replace(value, two=9)) == (1, 9, 3)
    assert dataclasses.replace(value, two=9) == value_classes.replace(value, two=9)
    nested = OURS["Frozen"](first=[OURS["Open"](1), (OURS["Empty"](),)])
    assert value_classes.astuple(nested)[0] == [(1, 2, 7), ((),)]


@value_classes.dataclass(frozen=True, slots=True)
class Pickled:
    value: int
    more: tuple[int, ...] = ()


def test_it_survives_a_pickle() -> None:
    value = Pickled(1, (2,))  # type: ignore[call-arg]
    assert pickle.loads(pickle.dumps(value)) == value
