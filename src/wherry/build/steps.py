"""The instructions of a stage with their variables replaced, each with the values it read."""

from collections.abc import Iterable, Mapping, Sequence

from wherry.build.graph import Origin, StageGraph, StageNode
from wherry.build.scope import Scope, Value, after_arg, after_env
from wherry.dockerfile.instructions import (
    Add,
    Arg,
    Copy,
    Env,
    Expose,
    Instruction,
    Label,
    Pair,
    Run,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from wherry.dockerfile.mounts import RunMount, read_mount
from wherry.dockerfile.statement import Heredoc, Word
from wherry.dockerfile.words import Expander, Expansion
from wherry.errors import InvalidArgument, WherryError
from wherry.values import dataclass, field, replace


class UnreadableStep(InvalidArgument):
    """A word of the instruction `written` that cannot be read."""

    def __init__(self, error: WherryError, written: Instruction, *, is_trigger: bool) -> None:
        super().__init__(error.message, hint=error.hint)
        self.written = written
        self.is_trigger = is_trigger


@dataclass(frozen=True)
class Step:
    """One instruction, ready to be carried out."""

    instruction: Instruction
    """With variables replaced; places are still those of the file."""
    written: Instruction
    used: Mapping[str, Value]
    """The variables it read. A RUN reads all of `scope` besides: its shell does."""
    unmatched: frozenset[str]
    """The variables it read that nothing sets."""
    scope: Scope
    """The variables behind it."""
    sources: tuple[Origin, ...] = ()
    """What it reads besides the build context and the stage so far."""
    mounts: tuple[RunMount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """What an ENV adds to the image's environment."""
    is_trigger: bool = False
    """Whether it is an ONBUILD of the base."""


def resolve_steps(
    graph: StageGraph,
    node: StageNode,
    start: Scope,
    build_args: Mapping[str, str],
    escape: str,
) -> tuple[Step, ...]:
    """The steps of a stage that begins with the variables `start`.

    Raises UnreadableStep in BuildKit's words.
    """
    scope = start
    steps: list[Step] = []
    for number, written in enumerate(node.instructions):
        is_trigger = number < node.triggers
        reader = _Reader(scope, escape)
        environment: dict[str, str] = {}
        try:
            instruction = reader.resolved(written)
            if isinstance(written, Arg):
                scope = after_arg(scope, written, graph.global_scope, build_args, escape)
            elif isinstance(written, Env):
                scope, environment, told = after_env(scope, written, escape)
                reader.note(told)
        except WherryError as error:
            raise UnreadableStep(error, written, is_trigger=is_trigger) from error
        steps.append(
            Step(
                instruction=instruction,
                written=written,
                used={name: reader.scope.values_by_name[name] for name in sorted(reader.used)},
                unmatched=frozenset(reader.unmatched),
                scope=scope,
                sources=node.sources.get(number, ()),
                mounts=reader.mounts,
                environment=environment,
                is_trigger=is_trigger,
            )
        )
    return tuple(steps)


def scope_after(steps: Sequence[Step], start: Scope) -> Scope:
    """The variables behind steps that began with `start`."""
    return steps[-1].scope if steps else start


class _Reader:
    """Replaces the variables of one instruction and notes them."""

    def __init__(self, scope: Scope, escape: str) -> None:
        self.scope = scope
        self.expander = Expander(escape)
        self.used: set[str] = set()
        self.unmatched: set[str] = set()
        self.mounts: tuple[RunMount, ...] = ()

    def note(self, expansion: Expansion) -> Expansion:
        self.used |= expansion.used
        self.unmatched |= expansion.unmatched
        return expansion

    def text(self, text: str) -> str:
        return self.note(self.expander.expand(text, self.scope)).text

    def word(self, word: Word) -> Word:
        return Word(self.text(word.text), word.span)

    def maybe(self, word: Word | None) -> Word | None:
        return None if word is None else self.word(word)

    def words(self, words: Iterable[Word]) -> tuple[Word, ...]:
        return tuple(self.word(word) for word in words)

    def split(self, words: Iterable[Word]) -> tuple[Word, ...]:
        """As `words`, but a variable may bring several."""
        return tuple(
            Word(text, word.span)
            for word in words
            for text in self.note(self.expander.expand(word.text, self.scope)).words
        )

    def pairs(self, pairs: Iterable[Pair]) -> tuple[Pair, ...]:
        return tuple(
            replace(pair, name=self.word(pair.name), value=self.word(pair.value)) for pair in pairs
        )

    def file(self, file: Heredoc) -> Heredoc:
        if not file.expand:
            return file
        # Quotes are a file's own, and its escape is the backslash whatever the Dockerfile's is.
        expander = Expander(skip_quotes=True)
        content = self.note(expander.expand(file.text, self.scope)).text
        return replace(file, content=content, chomp=False)

    def resolved(self, instruction: Instruction) -> Instruction:
        match instruction:
            case Copy():
                return replace(
                    instruction,
                    sources=self.words(instruction.sources),
                    files=tuple(self.file(file) for file in instruction.files),
                    destination=self.word(instruction.destination),
                    chown=self.maybe(instruction.chown),
                    chmod=self.maybe(instruction.chmod),
                )
            case Add():
                return replace(
                    instruction,
                    sources=self.words(instruction.sources),
                    files=tuple(self.file(file) for file in instruction.files),
                    destination=self.word(instruction.destination),
                    chown=self.maybe(instruction.chown),
                    chmod=self.maybe(instruction.chmod),
                    checksum=self.maybe(instruction.checksum),
                )
            case Run(mounts=mounts):
                self.mounts = tuple(read_mount(mount.text, self.text) for mount in mounts)
            case Label(pairs=pairs) | Env(pairs=pairs):
                return replace(instruction, pairs=self.pairs(pairs))
            case Expose(ports=ports):
                return replace(instruction, ports=self.split(ports))
            case Volume(paths=paths):
                return replace(instruction, paths=self.words(paths))
            case User(user=user):
                return replace(instruction, user=self.word(user))
            case Workdir(path=path):
                return replace(instruction, path=self.word(path))
            case Stopsignal(signal=signal):
                return replace(instruction, signal=self.word(signal))
            case Arg(arguments=arguments):
                for item in arguments:
                    if item.default is not None:
                        self.text(item.default.text)
        return instruction
