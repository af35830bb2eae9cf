"""A Dockerfile as rules look at it: its steps in order, whatever their order is worth.

A build refuses a file that does not begin with FROM; a linter still has something to say about
the rest of it. Therefore steps are read one by one, and stages are counted here.
"""

from wherry.dockerfile.dockerfile import Item, Remark
from wherry.dockerfile.errors import Fault, Problem
from wherry.dockerfile.instructions import (
    Arg,
    Env,
    Expose,
    From,
    Instruction,
    Onbuild,
    Run,
    Shell,
)
from wherry.dockerfile.lines import lex
from wherry.dockerfile.reading import read_instruction
from wherry.dockerfile.source import Source, Span
from wherry.dockerfile.statement import Statement
from wherry.lazy import cached_property
from wherry.lint.shell import Script, read_script
from wherry.values import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeVar

    from wherry.dockerfile.mounts import RunMount

    _Kind = TypeVar("_Kind", bound=Instruction)
_EXEC_SHELLS = ("pwsh", "powershell", "cmd")
BEFORE_STAGES = -1
REFUSED_TRIGGERS = ("ONBUILD", "FROM", "MAINTAINER")


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """An instruction and where it stands. What ONBUILD defers is a step behind that of ONBUILD."""

    instruction: Instruction
    number: int
    line: int
    stage: int
    """Its stage, from 0; BEFORE_STAGES in front of the first FROM."""
    is_trigger: bool = False

    @property
    def span(self) -> Span:
        return self.instruction.span


@dataclass(frozen=True, eq=False)
class RunStep:
    """A RUN, what it says to its shell, and where that stands in the file."""

    step: Step
    run: Run
    text: str
    first_offset: int
    """Where `text` begins: in a heredoc's file, else in the joined line."""
    shell: tuple[str, ...]
    """The SHELL it runs in; empty for the usual one."""

    @property
    def is_foreign(self) -> bool:
        """Whether its shell is none that reads the language of sh."""
        return bool(self.shell) and any(name in self.shell[0] for name in _EXEC_SHELLS)

    @property
    def heredoc_only(self) -> bool:
        """Whether the command is a document that follows."""
        return _is_heredoc(self.run)

    @cached_property
    def script(self) -> Script:
        return read_script(self.text)

    @cached_property
    def mounts(self) -> "tuple[RunMount, ...]":
        texts = [word.text for word in self.run.mounts]
        if self.text.startswith("\\"):
            texts += _mounts_behind_backslashes(self.text)
        if not texts:
            return ()
        from wherry.dockerfile.mounts import InvalidMount, read_mount  # few files have any

        found: list[RunMount] = []
        for text in texts:
            try:
                found.append(read_mount(text, _as_it_is))
            except InvalidMount:
                continue  # a variable: nobody knows what it mounts
        return tuple(found)

    def between(self, start: int, index: int) -> Span:
        """From a place in the file up to a character of the text."""
        return Span(start, self.offset(index))

    def offset(self, index: int) -> int:
        """Where the character at `index` of the text stands in the file."""
        if self.heredoc_only:
            return self.first_offset + index
        return self.run.statement.line.offset(self.first_offset + index)

    def span(self, start: int, end: int) -> Span:
        """Where a piece of the text stands in the file."""
        if end <= start:
            return Span(self.offset(start), self.offset(start))
        return Span(self.offset(start), self.offset(end - 1) + 1)


@dataclass(frozen=True, eq=False)
class Document:
    """A file read; `problems` say what in it is no Dockerfile."""

    source: Source
    items: tuple[Item, ...]
    escape: str
    steps: tuple[Step, ...]
    problems: tuple[Problem, ...]
    remarks: tuple[Remark, ...]
    """What the builder accepts and remarks on."""
    by_kind: dict[type[Instruction], list[Step]] = field(default_factory=dict)

    def of(self, *kinds: type[Instruction]) -> list[Step]:
        """The steps of these kinds, triggers among them, in order."""
        if len(kinds) == 1:
            return self.by_kind.get(kinds[0], [])
        return [step for step in self.steps if isinstance(step.instruction, kinds)]

    def instructions(self, kind: "type[_Kind]") -> "Iterator[tuple[Step, _Kind]]":
        """Each step of that kind with its instruction."""
        for step in self.by_kind.get(kind, ()):
            assert isinstance(step.instruction, kind)
            yield step, step.instruction

    @cached_property
    def froms(self) -> tuple[tuple[Step, From], ...]:
        """The FROM of each stage."""
        return tuple((step, base) for step, base in self.instructions(From) if not step.is_trigger)

    @cached_property
    def runs(self) -> tuple[RunStep, ...]:
        return tuple(_runs(self))

    def runs_of(self, stage: int) -> "Iterator[RunStep]":
        return (run for run in self.runs if run.step.stage == stage)

    @cached_property
    def bases(self) -> tuple[int | None, ...]:
        """For each stage, the earlier stage that it is FROM."""
        names: dict[str, int] = {}
        found: list[int | None] = []
        for index, (_, base) in enumerate(self.froms):
            found.append(names.get(base.image.text))
            if base.alias:
                names[base.alias.text] = index
        return tuple(found)

    def ancestry(self, stage: int) -> "Iterator[int]":
        """The stage, the stage that it is FROM, and so on."""
        at: int | None = stage
        while at is not None and at != BEFORE_STAGES:
            yield at
            at = self.bases[at]


def read_document(source: Source) -> Document:
    """What can be read of `source`."""
    lexed = lex(source)
    problems = list(lexed.problems)
    steps: list[Step] = []
    by_kind: dict[type[Instruction], list[Step]] = {}
    stage = BEFORE_STAGES
    for item in lexed.items:
        if not isinstance(item, Statement):
            continue
        instruction: Instruction | None
        try:
            instruction = read_instruction(item, lexed.escape)
        except Fault as fault:
            instruction = _refused_trigger(item)
            if instruction is None:
                problems.append(Problem(fault.message, fault.span or item.span, fault.prefixed))
                continue
        if isinstance(instruction, Expose):
            from wherry.lint.ports import refused_ports  # few files expose anything

            problems += refused_ports(instruction)
        stage += isinstance(instruction, From)
        line = source.line_of(item.span.start)
        is_trigger = False
        while instruction is not None:
            step = Step(instruction, len(steps), line, stage, is_trigger)
            steps.append(step)
            by_kind.setdefault(type(instruction), []).append(step)
            instruction = instruction.trigger if isinstance(instruction, Onbuild) else None
            is_trigger = True
    problems.sort(key=lambda problem: problem.span)
    return Document(
        source,
        tuple(lexed.items),
        lexed.escape,
        tuple(steps),
        tuple(problems),
        tuple(lexed.warnings),
        by_kind,
    )


def _refused_trigger(statement: Statement) -> Onbuild | None:
    """An ONBUILD of what it may not defer: DL3043 says so, and says it better."""
    words = statement.arguments.text.split(maxsplit=1)
    if statement.keyword.text.upper() != "ONBUILD" or not words:
        return None
    if words[0].upper() not in REFUSED_TRIGGERS:
        return None
    return Onbuild(statement=statement, expression=statement.arguments.text, trigger=None)


def _mounts_behind_backslashes(text: str) -> "Iterator[str]":
    r"""Those of `--mount=a \ --mount=b`, where the ends of lines got lost: hadolint reads them."""
    words = text.split()
    for backslash, flag in zip(words[::2], words[1::2], strict=False):
        if backslash != "\\" or not flag.startswith("--mount="):
            break
        yield flag.removeprefix("--mount=")


def _as_it_is(value: str) -> str:
    return value


def _is_heredoc(run: Run) -> bool:
    return bool(run.files) and not run.command.is_exec and run.command.texts[0].startswith("<<")


def _runs(document: Document) -> "Iterator[RunStep]":
    shells: dict[int, tuple[str, ...]] = {BEFORE_STAGES: ()}
    for step in document.of(From, Run, Shell):
        instruction = step.instruction
        if step.stage not in shells:
            base = document.bases[step.stage] if step.stage < len(document.bases) else None
            shells[step.stage] = () if base is None else shells[base]
        if isinstance(instruction, Shell):
            if not step.is_trigger:
                shells[step.stage] = tuple(word.text for word in instruction.words)
        elif isinstance(instruction, Run):
            text, first = _script_text(instruction)
            shell = () if step.is_trigger else shells[step.stage]
            yield RunStep(step, instruction, text, first, shell)


def _script_text(run: Run) -> tuple[str, int]:
    if _is_heredoc(run):
        return run.files[0].content, run.files[0].span.start
    if run.command.is_exec:
        return " ".join(run.command.texts), run.statement.start
    start = run.statement.start
    return "".join(run.command.texts), start + run.statement.arguments.text.find(
        "".join(run.command.texts)
    )


def names_set(instruction: Instruction) -> "Iterator[str]":
    """The variables that an ARG or ENV sets; a name may stand in quotes."""
    if isinstance(instruction, Arg):
        yield from (argument.name.text for argument in instruction.arguments)
    elif isinstance(instruction, Env):
        yield from (pair.name.text.strip("\"'") for pair in instruction.pairs)
