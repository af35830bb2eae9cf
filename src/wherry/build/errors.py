"""Builds that fail, in BuildKit's words, with the place in the Dockerfile."""

from wherry.dockerfile.source import Source, Span
from wherry.errors import WherryError, kind_of, rebuilt
from wherry.values import dataclass

_AROUND = 2  # lines shown before and behind


@dataclass(frozen=True, slots=True)
class Place:
    """Lines `first` to `last` of a Dockerfile, and how they are shown."""

    file: str
    first: int
    last: int
    excerpt: str


class BuildFailed(WherryError):
    """What went wrong in a step, its place and the end of its output.

    `kind` is that of the error itself, as in `wherry.errors.KINDS`. Of a command that failed there
    are its words and its exit status.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        kind: str = "Internal",
        step: str = "",
        place: Place | None = None,
        log: bytes = b"",
        command: str = "",
        status: int = 0,
    ) -> None:
        super().__init__(message, hint=hint)
        self.command = command
        self.status = status
        self.kind = kind
        self.step = step
        self.place = place
        self.log = log
        self.http_status = rebuilt(kind, "").http_status


class ProcessFailed(WherryError):
    def __init__(self, command: str, status: int, *, hint: str = "") -> None:
        super().__init__(
            f'process "{command}" did not complete successfully: exit code: {status}', hint=hint
        )
        self.command = command
        self.status = status


def place_of(source: Source, span: Span) -> Place:
    """The lines of an instruction, shown as BuildKit shows them."""
    first, last = source.lines_of(span)
    count = source.text.rstrip("\n").count("\n") + 1
    shown = []
    for number in range(max(1, first - _AROUND), min(count, last + _AROUND) + 1):
        mark = ">>>" if first <= number <= last else "   "
        shown.append(f"{number:>4} | {mark} {source.line(number)}".rstrip())
    rule = "-" * 20
    where = f"{source.name}:{first}"
    return Place(source.name, first, last, "\n".join((where, rule, *shown, rule)))


def failed(error: WherryError, step: str, place: Place | None, log: bytes = b"") -> "BuildFailed":
    """`error` as that of a step."""
    if isinstance(error, BuildFailed):
        return error
    command, status = "", 0
    if isinstance(error, ProcessFailed):
        command, status = error.command, error.status
    return BuildFailed(
        error.message,
        hint=error.hint,
        kind=kind_of(error),
        step=step,
        place=place,
        log=log,
        command=command,
        status=status,
    )
