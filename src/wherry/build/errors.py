"""Builds that fail, in BuildKit's words, with the place in the Dockerfile."""

from wherry.dockerfile.dockerfile import Dockerfile
from wherry.dockerfile.errors import nearest
from wherry.dockerfile.source import Source, Span
from wherry.errors import WherryError, kind_of, rebuilt
from wherry.values import dataclass

_AROUND = 2  # lines shown before and behind
_WIDEST = 1000  # characters shown of a line


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
    return _place(source, span, exactly=False)


def exact_place(source: Source, span: Span) -> Place:
    """As `place_of`, with the column, and a mark below what `span` is of its line."""
    return _place(source, span, exactly=True)


def _place(source: Source, span: Span, *, exactly: bool) -> Place:
    first, last = source.lines_of(span)
    count = source.text.rstrip("\n").count("\n") + 1
    shown = []
    for number in range(max(1, first - _AROUND), min(count, last + _AROUND) + 1):
        mark = ">>>" if first <= number <= last else "   "
        shown.append(f"{number:>4} | {mark} {_printable(source.line(number))}".rstrip())
        if exactly and number == first:
            shown.append(f"     |     {_mark_below(source, span)}")
    rule = "-" * 20
    where = f"{source.name}:{first}"
    if exactly:
        where += f":{source.position(span.start).column}"
    return Place(source.name, first, last, "\n".join((where, rule, *shown, rule)))


def _mark_below(source: Source, span: Span) -> str:
    """`^~~~` below the characters of the first line that are meant."""
    line, column, _ = source.position(span.start)
    text = source.line(line)
    # Tabs stay tabs, so that the mark stands right however wide they are shown.
    front = "".join("\t" if character == "\t" else " " for character in text[: column - 1])
    width = max(1, min(span.end - span.start, len(text) - column + 1))
    return f"{front}^{'~' * (width - 1)}"[:_WIDEST]


def _printable(line: str) -> str:
    """As much of a line as a terminal should see."""
    text = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line[:_WIDEST])
    return text if len(line) <= _WIDEST else f"{text}..."


def of_missing_image(error: WherryError, name: str, dockerfile: Dockerfile) -> WherryError:
    """`error`, of an image that cannot be had, and the stage that is perhaps meant."""
    stage = nearest(name, (stage.name for stage in dockerfile.stages if stage.name))
    if not stage or error.hint:
        return error
    return rebuilt(kind_of(error), error.message, f"there is a stage {stage}")


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
