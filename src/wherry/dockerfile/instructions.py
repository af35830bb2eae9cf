"""The instructions of a Dockerfile as values.

Two instructions are equal if they ask for the same: places, comments and the case of keywords
do not count. Words are as written; a builder expands them with `words.Expander`. What each field
allows is checked as far as it can be without knowing variables.

https://docs.docker.com/reference/dockerfile/
"""

from wherry.dockerfile.source import Span
from wherry.dockerfile.statement import Comment, Heredoc, Statement, Word
from wherry.values import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    # What is named in types alone; the modules of images take 6 ms to load.
    from typing import ClassVar

    from wherry.oci.image_config import HealthConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """What every instruction has."""

    NAME: "ClassVar[str]" = ""
    statement: Statement = field(compare=False, repr=False)

    @property
    def keyword(self) -> Word:
        return self.statement.keyword

    @property
    def span(self) -> Span:
        return self.statement.span

    @property
    def comments(self) -> tuple[Comment, ...]:
        return self.statement.comments


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command: words as they are (the exec form), or one text for a shell."""

    words: tuple[Word, ...]
    is_exec: bool

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Pair:
    """`name=value`, or the old form `name value` of a single one."""

    name: Word
    value: Word
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class Argument:
    """`name` or `name=default` of ARG; `description` is the comment that begins with the name."""

    name: Word
    default: Word | None
    description: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class From(Instruction):
    NAME = "FROM"
    image: Word
    alias: Word | None = None
    """The name behind AS, as written; `stage_name` is what it means."""
    as_keyword: Word | None = field(default=None, compare=False)
    platform: Word | None = None

    @property
    def stage_name(self) -> str:
        """Names of stages know no case."""
        return self.alias.text.lower() if self.alias else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arg(Instruction):
    NAME = "ARG"
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Env(Instruction):
    NAME = "ENV"
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Label(Instruction):
    NAME = "LABEL"
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run(Instruction):
    """`mounts` and `devices` are texts whose keys `mounts.read_mount` and `read_device` read."""

    NAME = "RUN"
    command: CommandLine
    files: tuple[Heredoc, ...] = ()
    mounts: tuple[Word, ...] = ()
    devices: tuple[Word, ...] = ()
    network: str = "default"
    security: str = "sandbox"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Transfer(Instruction):
    sources: tuple[Word, ...]
    """Paths, and for ADD also URLs; documents are in `files`."""
    files: tuple[Heredoc, ...] = ()
    """Sources written in the Dockerfile itself, in their order."""
    destination: Word
    is_json: bool = field(default=False, compare=False)
    chown: Word | None = None
    chmod: Word | None = None
    """Octal or symbolic; `modes.parse_mode` reads it once expanded."""
    link: bool = False
    exclude: tuple[Word, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy(_Transfer):
    NAME = "COPY"
    from_: Word | None = None
    """A stage by name or number, a named context, or an image."""
    parents: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Add(_Transfer):
    NAME = "ADD"
    checksum: Word | None = None
    keep_git_dir: bool | None = None
    unpack: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Expose(Instruction):
    NAME = "EXPOSE"
    ports: tuple[Word, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume(Instruction):
    NAME = "VOLUME"
    paths: tuple[Word, ...]
    is_json: bool = field(default=False, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class User(Instruction):
    NAME = "USER"
    user: Word


@dataclass(frozen=True, kw_only=True, slots=True)
class Workdir(Instruction):
    NAME = "WORKDIR"
    path: Word


@dataclass(frozen=True, kw_only=True, slots=True)
class Cmd(Instruction):
    NAME = "CMD"
    command: CommandLine


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrypoint(Instruction):
    NAME = "ENTRYPOINT"
    command: CommandLine


@dataclass(frozen=True, kw_only=True, slots=True)
class Shell(Instruction):
    NAME = "SHELL"
    words: tuple[Word, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Healthcheck(Instruction):
    """`command` is None for NONE; `config` is what the image gets."""

    NAME = "HEALTHCHECK"
    config: "HealthConfig"
    command: CommandLine | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopsignal(Instruction):
    NAME = "STOPSIGNAL"
    signal: Word


@dataclass(frozen=True, kw_only=True, slots=True)
class Onbuild(Instruction):
    """`trigger` is None if it is not an instruction: found out by who builds on the image."""

    NAME = "ONBUILD"
    expression: str = field(compare=False)
    """As the image's configuration keeps it: the instruction, and its heredocs behind it."""
    trigger: Instruction | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Maintainer(Instruction):
    NAME = "MAINTAINER"
    name: Word


INSTRUCTIONS: dict[str, type[Instruction]] = {
    kind.NAME: kind
    for kind in (
        Add,
        Arg,
        Cmd,
        Copy,
        Entrypoint,
        Env,
        Expose,
        From,
        Healthcheck,
        Label,
        Maintainer,
        Onbuild,
        Run,
        Shell,
        Stopsignal,
        User,
        Volume,
        Workdir,
    )
}
