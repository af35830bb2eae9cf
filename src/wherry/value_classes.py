"""What `wherry.values` runs: classes of values whose methods are not compiled for each of them.

All classes share their methods; `__init__` alone, which is called most, is compiled for its
class, when there are some objects of it. To the standard library these are dataclasses: `asdict`,
`fields`, `is_dataclass` and `inspect.signature` see what they expect.
"""

from _operator import attrgetter

TYPE_CHECKING = False  # importing typing would cost what is saved here
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any


class _Missing:
    """No default: `None` may be one."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()
_NOTHING: "dict[str, Any]" = {}
_FILLED_ONE_BY_ONE = 20


class FrozenInstanceError(AttributeError):
    """An attribute of a frozen object was to be changed."""


class Field:
    """One field of a class; the names are those of `dataclasses.Field`."""

    __slots__ = (
        "compare",
        "default",
        "default_factory",
        "hash",
        "init",
        "kw_only",
        "metadata",
        "name",
        "repr",
        "type",
    )

    def __init__(
        self,
        *,
        default: object,
        default_factory: object,
        init: bool,
        repr: bool,  # noqa: A002  as dataclasses names it
        compare: bool,
        hash: bool | None,  # noqa: A002
        metadata: "dict[str, Any]",
        kw_only: bool | None,
    ) -> None:
        self.name = ""
        self.type: object = None
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.repr = repr
        self.compare = compare
        self.hash = compare if hash is None else hash
        self.metadata = metadata
        self.kw_only = kw_only


def field(
    *,
    default: object = MISSING,
    default_factory: object = MISSING,
    init: bool = True,
    repr: bool = True,  # noqa: A002  as dataclasses names it
    compare: bool = True,
    hash: bool | None = None,  # noqa: A002
    metadata: "dict[str, Any]" = _NOTHING,
    kw_only: bool | None = None,
) -> Field:
    return Field(
        default=default,
        default_factory=default_factory,
        init=init,
        repr=repr,
        compare=compare,
        hash=hash,
        metadata=metadata,
        kw_only=kw_only,
    )


def dataclass(
    cls: type | None = None,
    /,
    *,
    frozen: bool = False,
    kw_only: bool = False,
    slots: bool = False,
    eq: bool = True,
) -> "Any":
    def made(cls: type) -> type:
        own = _own_fields(cls, kw_only)
        every = _inherited_fields(cls) | own
        methods = _methods(cls, every, frozen=frozen, eq=eq)
        if slots:
            return _born_with_slots(cls, own, methods, frozen)
        for name, one in own.items():
            if one.default is not MISSING:
                setattr(cls, name, one.default)
            elif name in cls.__dict__:
                delattr(cls, name)
        for name, value in methods.items():
            setattr(cls, name, value)
        return cls

    return made if cls is None else made(cls)


def is_dataclass(value: object) -> bool:
    return hasattr(value, "__value_fields__")


def fields(value: "Any") -> tuple[Field, ...]:
    return tuple(value.__value_fields__.values())


def replace(value: "Any", /, **changes: object) -> "Any":
    for name, one in value.__value_fields__.items():
        if one.init and name not in changes:
            changes[name] = getattr(value, name)
    return value.__class__(**changes)


def astuple(value: "Any") -> "tuple[Any, ...]":
    return tuple([_plain(getattr(value, name)) for name in value.__value_fields__])


def _plain(item: "Any") -> "Any":
    if is_dataclass(item):
        return astuple(item)
    if type(item) in (list, tuple):
        return type(item)([_plain(one) for one in item])
    return item


def _inherited_fields(cls: type) -> dict[str, Field]:
    inherited: dict[str, Field] = {}
    for base in cls.__mro__[-1:0:-1]:
        inherited.update(base.__dict__.get("__value_fields__", _NOTHING))
    return inherited


def _own_fields(cls: type, kw_only: bool) -> dict[str, Field]:
    own = {}
    for name, kind in vars(cls).get("__annotations__", _NOTHING).items():
        if "ClassVar" in (kind if isinstance(kind, str) else repr(kind)):
            continue
        default = cls.__dict__.get(name, MISSING)
        one = default if isinstance(default, Field) else field(default=default)
        one.name = name
        one.type = kind
        if one.kw_only is None:
            one.kw_only = kw_only
        own[name] = one
    return own


def _methods(cls: type, every: dict[str, Field], *, frozen: bool, eq: bool) -> "dict[str, Any]":
    """What the class gets; as with `dataclasses`, what it defines itself stays."""
    methods: dict[str, Any] = {
        "__value_fields__": every,
        "__dataclass_fields__": _StandardFields(),
        "__signature__": _Signature(),
        "__match_args__": tuple(
            [name for name, one in every.items() if one.init and not one.kw_only]
        ),
        "__init__": _first_init(frozen),
    }
    if "__repr__" not in cls.__dict__:
        methods["__repr__"] = _repr
    if eq:
        methods |= _comparison(cls, every, frozen)
    if frozen:
        methods["__setattr__"] = _refuse_to_set
        methods["__delattr__"] = _refuse_to_delete
    return methods


def _comparison(cls: type, every: dict[str, Field], frozen: bool) -> "dict[str, Any]":
    key = _key([name for name, one in every.items() if one.compare])
    hash_key = _key([name for name, one in every.items() if one.hash])

    def equal(self: object, other: object) -> bool:
        if other.__class__ is self.__class__:
            return bool(key(self) == key(other))
        return NotImplemented  # type: ignore[no-any-return]

    def hashed(self: object) -> int:
        return hash(hash_key(self))

    methods: dict[str, Any] = {}
    if "__eq__" not in cls.__dict__:
        methods["__eq__"] = equal
    # A class that has `__eq__` alone has a `__hash__` of None, by the language.
    if cls.__dict__.get("__hash__") is None:
        methods["__hash__"] = hashed if frozen else None
    return methods


def _key(names: list[str]) -> "Callable[[object], tuple[Any, ...]]":
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple([getattr(value, name) for name in names])


def _born_with_slots(
    cls: type, own: dict[str, Field], methods: "dict[str, Any]", frozen: bool
) -> type:
    """The same class once more: a class has slots from its birth or never."""
    content = dict(cls.__dict__)
    for name in (*own, "__dict__", "__weakref__"):
        content.pop(name, None)
    content.update(methods)
    inherited = _inherited_fields(cls)
    content["__slots__"] = tuple([name for name in own if name not in inherited])
    if frozen:
        content.setdefault("__getstate__", _get_state)
        content.setdefault("__setstate__", _set_state)
    made = type(cls)(cls.__name__, cls.__bases__, content)
    made.__qualname__ = cls.__qualname__
    return made


def _first_init(frozen: bool) -> "Callable[..., None]":
    """An `__init__` for the first objects; it compiles the class's own and gives way to it.

    Compiling takes as long as filling fifty objects field by field, and a command that starts
    often makes two or three of most classes.
    """
    left = _FILLED_ONE_BY_ONE

    def first(self: object, /, *args: object, **kwargs: object) -> None:
        nonlocal left
        left -= 1
        owner = _owner(type(self), first)
        # What does not fit is left to the compiled one, which tells why.
        if left < 0 or not _fill(self, owner, args, kwargs, frozen):
            _compiled_init(owner, frozen)(self, *args, **kwargs)

    return first


def _fill(
    self: "Any", owner: "Any", args: tuple[object, ...], kwargs: dict[str, object], frozen: bool
) -> bool:
    """Set the fields; False where the arguments are not those of the class."""
    put = object.__setattr__ if frozen else setattr
    given = named = 0
    for name, one in owner.__value_fields__.items():
        if one.init and not one.kw_only and given < len(args):
            value = args[given]
            given += 1
        elif one.init and name in kwargs:
            value = kwargs[name]
            named += 1
        elif one.default is not MISSING:
            value = one.default
        elif one.default_factory is not MISSING:
            value = one.default_factory()
        elif one.init:
            return False
        else:
            continue
        put(self, name, value)
    if given != len(args) or named != len(kwargs):
        return False
    if hasattr(owner, "__post_init__"):
        self.__post_init__()
    return True


_FIRST = _first_init(frozen=True).__code__  # all of them share it


def compile_constructors(module: "ModuleType") -> None:
    """Compile those of the classes that the module has, as a process does before its forks do."""
    for cls in vars(module).values():
        init = cls.__dict__.get("__init__") if isinstance(cls, type) else None
        if getattr(init, "__code__", None) is _FIRST:
            _compiled_init(cls, frozen=cls.__setattr__ is _refuse_to_set)


def _owner(cls: type, init: object) -> type:
    return next(one for one in cls.__mro__ if one.__dict__.get("__init__") is init)


def _compiled_init(cls: "Any", frozen: bool) -> "Callable[..., None]":
    names: dict[str, Any] = {"MISSING": MISSING, "_set": object.__setattr__}
    positional = ["self"]
    keywords: list[str] = []
    body = []
    for name, one in cls.__value_fields__.items():
        parameter = value = name
        if one.default is not MISSING:
            names["_default_" + name] = one.default
            parameter = f"{name}=_default_{name}"
        elif one.default_factory is not MISSING:
            names["_new_" + name] = one.default_factory
            parameter = f"{name}=MISSING"
            value = f"_new_{name}() if {name} is MISSING else {name}"
        if one.init:
            (keywords if one.kw_only else positional).append(parameter)
        elif one.default_factory is not MISSING:
            value = f"_new_{name}()"
        elif one.default is not MISSING:
            value = "_default_" + name
        else:
            continue
        body.append(f"_set(self,{name!r},{value})" if frozen else f"self.{name}={value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ",".join([*positional, *(["*", *keywords] if keywords else [])])
    exec(  # the names of fields are Python names: nothing foreign is run
        f"def __init__({parameters}):\n " + "\n ".join(body or ["pass"]), names
    )
    init = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    init.__annotations__ = {
        name: one.type for name, one in cls.__value_fields__.items() if one.init
    } | {"return": None}
    cls.__init__ = init
    return init  # type: ignore[no-any-return]


def _repr(self: "Any") -> str:
    shown = [
        f"{name}={getattr(self, name)!r}" for name, one in self.__value_fields__.items() if one.repr
    ]
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _get_state(self: "Any") -> list[object]:
    return [getattr(self, name) for name in self.__value_fields__]


def _set_state(self: "Any", state: list[object]) -> None:
    for name, value in zip(self.__value_fields__, state, strict=True):
        object.__setattr__(self, name, value)


class _StandardFields:
    """`__dataclass_fields__`, made when the standard library's functions ask for it."""

    def __get__(self, _instance: object, owner: "Any") -> "dict[str, Any]":
        import dataclasses

        made = {}
        for name, one in owner.__value_fields__.items():
            options = {"default": one.default, "default_factory": one.default_factory}
            made[name] = dataclasses.field(
                init=one.init,
                repr=one.repr,
                compare=one.compare,
                hash=one.hash,
                metadata=one.metadata,
                kw_only=one.kw_only,
                **{key: value for key, value in options.items() if value is not MISSING},
            )
            made[name].name = name
            made[name].type = one.type
            made[name]._field_type = dataclasses._FIELD  # type: ignore[attr-defined]
        owner.__dataclass_fields__ = made
        return made


class _Signature:
    """`__signature__`, which `help()` shows: that of the compiled `__init__`."""

    def __get__(self, _instance: object, owner: "Any") -> object:
        import inspect

        init = owner.__init__
        if init.__code__ is _FIRST:
            init = _compiled_init(_owner(owner, init), frozen=owner.__setattr__ is _refuse_to_set)
        every = inspect.signature(init)
        return every.replace(parameters=list(every.parameters.values())[1:])
