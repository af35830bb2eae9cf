"""The parts of a parsed template. Their `str` is what Go shows of them in errors."""

from __future__ import annotations

from wherry.values import dataclass, field


@dataclass(slots=True)
class Node:
    """Something at a place in the template: `position` counts characters from the start."""

    position: int


@dataclass(slots=True)
class Text(Node):
    text: str


@dataclass(slots=True)
class Dot(Node):
    def __str__(self) -> str:
        return "."


@dataclass(slots=True)
class Nil(Node):
    def __str__(self) -> str:
        return "nil"


@dataclass(slots=True)
class Constant(Node):
    """A string, number, character or boolean, with the text it was written as."""

    value: str | int | float | bool
    source: str

    def __str__(self) -> str:
        return self.source


@dataclass(slots=True)
class Field(Node):
    """`.Name.Name` of the dot."""

    names: list[str]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(slots=True)
class Variable(Node):
    """`$name.Name`."""

    name: str
    fields: list[str]

    def __str__(self) -> str:
        return ".".join((self.name, *self.fields))


@dataclass(slots=True)
class Chain(Node):
    """Fields of something in parentheses."""

    base: Node
    names: list[str]

    def __str__(self) -> str:
        base = f"({self.base})" if isinstance(self.base, Pipeline) else str(self.base)
        return base + "".join(f".{name}" for name in self.names)


@dataclass(slots=True)
class Function(Node):
    """The name of a function."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Command(Node):
    """Something to call with its arguments, or a value alone."""

    words: list[Node] = field(default_factory=list)

    def __str__(self) -> str:
        return " ".join(f"({w})" if isinstance(w, Pipeline) else str(w) for w in self.words)


@dataclass(slots=True)
class Pipeline(Node):
    """Commands, each given the value of the one before; `variables` receive the last value."""

    variables: list[str] = field(default_factory=list)
    assigns: bool = False  # to variables that exist: `=` instead of `:=`
    commands: list[Command] = field(default_factory=list)

    def __str__(self) -> str:
        text = " | ".join(str(command) for command in self.commands)
        if not self.variables:
            return text
        return f"{', '.join(self.variables)} {'=' if self.assigns else ':='} {text}"


@dataclass(slots=True)
class Action(Node):
    """A pipeline whose value is printed."""

    pipeline: Pipeline


@dataclass(slots=True)
class Branch(Node):
    """`if`, `with` or `range`."""

    kind: str
    pipeline: Pipeline
    body: list[Node]
    otherwise: list[Node]


@dataclass(slots=True)
class Call(Node):
    """`template`: another template, executed on a value."""

    name: str
    source: str
    pipeline: Pipeline | None

    def __str__(self) -> str:
        return f"{{{{template {self.source}{f' {self.pipeline}' if self.pipeline else ''}}}}}"


@dataclass(slots=True)
class Break(Node):
    pass


@dataclass(slots=True)
class Continue(Node):
    pass


@dataclass(slots=True)
class Tree:
    """A parsed template and those it defines, by name."""

    name: str
    text: str
    body: list[Node]
    defined: dict[str, list[Node]]
