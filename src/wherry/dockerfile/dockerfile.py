"""A parsed Dockerfile."""

from wherry.dockerfile.instructions import Arg, From, Instruction
from wherry.dockerfile.source import Source, Span
from wherry.dockerfile.statement import Comment, Statement
from wherry.values import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Directive:
    """`# name=value` at the very top: syntax, escape or check."""

    name: str
    value: str
    span: Span = field(default=Span(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Blank:
    """Lines that hold nothing."""

    span: Span = field(compare=False, repr=False)


Item = Directive | Comment | Blank | Statement
"""What the lines of a file are; together the items cover the text from its start to its end."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What BuildKit accepts and remarks on. `rule` is the name of its check, "" if it has none."""

    rule: str
    message: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and what follows up to the next."""

    index: int
    base: From
    instructions: tuple[Instruction, ...]

    @property
    def name(self) -> str:
        """In lower case; "" if it has none."""
        return self.base.stage_name

    @property
    def description(self) -> str:
        """What the comment above that begins with its name says of it."""
        front = f"{self.name} "
        texts = (comment.text for comment in self.base.comments)
        found = (text.removeprefix(front) for text in texts if text.startswith(front))
        return next(found, "") if self.name else ""


@dataclass(frozen=True)
class Dockerfile:
    """`global_args` are those before the first FROM."""

    directives: tuple[Directive, ...]
    global_args: tuple[Arg, ...]
    stages: tuple[Stage, ...]
    escape: str = "\\"
    source: Source = field(compare=False, repr=False, default=Source(""))
    items: tuple[Item, ...] = field(compare=False, repr=False, default=())
    warnings: tuple[Remark, ...] = field(compare=False, repr=False, default=())

    @property
    def instructions(self) -> "Iterator[Instruction]":
        """Every instruction in its order."""
        yield from self.global_args
        for stage in self.stages:
            yield stage.base
            yield from stage.instructions

    def directive(self, name: str) -> str:
        """The value of a directive, "" without it."""
        return next((item.value for item in self.directives if item.name == name), "")

    def stage_called(self, name: str, before: int | None = None) -> Stage | None:
        """The last stage of that name, of those before stage `before` if given."""
        wanted = name.lower()
        for stage in reversed(self.stages[:before]):
            if stage.name and stage.name == wanted:
                return stage
        return None
