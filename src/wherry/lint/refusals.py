"""What the builder takes and hadolint's parser refuses.

hadolint says DL1000 of such a file and nothing else. Here each construct is a function below, which
tells where hadolint stops; `WH1005` reports them beside the other findings, `--strict-hadolint` in
place of them, as hadolint does. `docs/reference/lint.md` lists them.
"""

from wherry.dockerfile.instructions import (
    Add,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Instruction,
    Label,
    Onbuild,
    Run,
    Shell,
)
from wherry.dockerfile.source import Span
from wherry.dockerfile.statement import Heredoc, Statement
from wherry.lazy import regex
from wherry.lint.document import Document
from wherry.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_KEYWORDS = (
    *("add", "arg", "cmd", "copy", "entrypoint", "env", "expose", "from", "healthcheck", "label"),
    *("maintainer", "onbuild", "run", "shell", "stopsignal", "user", "volume", "workdir"),
)
_ARRAY = regex(r'\[\s*(?:"(?:[^"\\]|\\.)*"\s*(?:,\s*"(?:[^"\\]|\\.)*"\s*)*)?\]\s*')
_RANGE = regex(r"(?i)(?:[0-9]+|\$[^\s/-]+)-(?:[0-9]+|\$[^\s/-]+)(?:/(?:tcp|udp))?")
_PORT = regex(r"(?i)\$[^\s$]+|[0-9]+/(?:tcp|udp)|[0-9]+(?![0-9/-])|[0-9]+/?")
_DURATION = regex(r"[0-9]+(?:\.[0-9]+)?[smh]|[0-9]*")
_DURATIONS = ("interval", "timeout", "start-period", "start-interval")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Where hadolint stops, and at what."""

    span: Span
    reason: str


def refusals(document: Document) -> "list[Refusal]":
    """All of them, in the order of the file; hadolint stops at the first."""
    found: list[Refusal] = []
    text = document.source.text
    for step in document.steps:
        instruction = step.instruction
        if isinstance(instruction, Onbuild):
            continue  # what it defers is a step of its own
        statement = instruction.statement
        found += _in_heredocs(text, instruction, statement)
        found += _behind_array(instruction, statement)
        found += _in_lines(text, instruction, statement, document.escape)
        match instruction:
            case Expose():
                found += _in_ports(instruction)
            case Healthcheck():
                found += _in_durations(statement)
            case Run() if instruction.mounts:
                from wherry.lint.refused_mounts import in_mounts  # few files have any

                found += in_mounts(statement)
            case Env() | Label():
                found += _in_pairs(text, instruction)
    return sorted(found, key=lambda refusal: refusal.span)


def _in_heredocs(text: str, instruction: Instruction, statement: Statement) -> "Iterator[Refusal]":
    documents = statement.heredocs
    if not documents:
        return
    if isinstance(instruction, Add) or (isinstance(instruction, Copy) and instruction.sources):
        yield from _read_as_instructions(text, documents[0], "a heredoc that ADD or COPY takes")
        return
    # Of several it looks for the end of one, and takes the next for instructions.
    one = documents[-1] if isinstance(instruction, Copy) else documents[0]
    if one.terminator.start < len(text) and text[one.terminator.start] == "\t":
        yield from _read_as_instructions(text, one, "a heredoc whose end is indented")
        return
    at = text.find("\n", one.terminator.end) + 1
    if at and at < len(text) and text[at] not in " \t\r\n":
        reason = "several heredocs" if len(documents) > 1 else "a line behind the end of a heredoc"
        yield Refusal(Span(at, at + 1), reason)


def _read_as_instructions(text: str, heredoc: Heredoc, reason: str) -> "Iterator[Refusal]":
    """The first line of the document that is no instruction by chance."""
    at = heredoc.span.start
    for line in text[at : heredoc.terminator.end].splitlines(keepends=True):
        place = _first_of(line)
        if place is not None:
            yield Refusal(Span(at + place, at + len(line.rstrip())), reason)
            return
        at += len(line)


def _first_of(line: str) -> int | None:
    """Where a line begins that hadolint cannot read as an instruction."""
    words = line.split(None, 1)
    if not words or words[0].startswith("#") or words[0].lower() in _KEYWORDS:
        return None
    return len(line) - len(line.lstrip())


def _behind_array(instruction: Instruction, statement: Statement) -> "Iterator[Refusal]":
    """`["a", "b"] c` is a shell's for the builder; hadolint has read the array when it sees c."""
    if not isinstance(instruction, Cmd | Copy | Add | Entrypoint | Healthcheck | Run | Shell):
        return
    line, start = statement.line, statement.start
    arguments = statement.arguments.text
    if isinstance(instruction, Healthcheck):
        behind_type = arguments.partition("[")[0]
        if behind_type.strip().upper() != "CMD":
            return
        start += len(behind_type)
        arguments = arguments[len(behind_type) :]
    if not arguments and not isinstance(instruction, Copy | Add):
        yield Refusal(Span(statement.span.end, statement.span.end), "an instruction without words")
    array = _ARRAY.match(arguments) if arguments.startswith("[") else None
    if array is not None and array.end() < len(arguments):
        span = line.span(start + array.end(), start + len(arguments))
        yield Refusal(span, "something behind a JSON array")


def _in_lines(
    text: str, instruction: Instruction, statement: Statement, escape: str
) -> "Iterator[Refusal]":
    """What hadolint does not take for one instruction, of the lines that make it."""
    is_over = False  # a line of blanks has ended the instruction
    for at, line in _physical_lines(text, statement):
        end = at + len(line)
        if not line.strip():
            is_over = is_over or bool(line)
        elif line.lstrip().startswith("#"):
            continue
        elif is_over:
            place = _first_of(line)
            if place is not None:
                yield Refusal(Span(at + place, end), "a line of blanks inside an instruction")
            return
        elif line.endswith(escape * 2) and end < len(text) and not _has_pairs(instruction):
            if isinstance(instruction, Cmd | Entrypoint | Run):
                end = _end_of_lines(text, end, escape)
            yield Refusal(Span(end, end), "a line that ends in two escape characters")
            return


def _has_pairs(instruction: Instruction) -> bool:
    return isinstance(instruction, Env | Label) and not instruction.pairs[0].legacy


def _end_of_lines(text: str, end: int, escape: str) -> int:
    """Of the last line that one escape character would join: so far it looks for a heredoc."""
    is_joined = True
    while is_joined and end < len(text):
        start = end + 1
        after = text.find("\n", start)
        end = len(text) if after < 0 else after
        line = text[start:end].rstrip("\r")
        is_joined = line.endswith(escape) or line.lstrip().startswith("#")
    return end


def _physical_lines(text: str, statement: Statement) -> "Iterator[tuple[int, str]]":
    """The lines that a statement joins, without their ends, and where each begins."""
    at, last = statement.span.start, statement.line.offsets[-1]
    while at <= last and at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        yield at, text[at:end].removesuffix("\r")
        at = end + 1


def _in_ports(expose: Expose) -> "Iterator[Refusal]":
    for word in expose.ports:
        ports = _RANGE.match(word.text) or _PORT.match(word.text)
        end = ports.end() if ports else 0  # digits alone may be half of something
        if end < len(word.text):
            yield Refusal(Span(word.span.start + end, word.span.end), "a port that is no number")


def _in_durations(statement: Statement) -> "Iterator[Refusal]":
    for flag in statement.flags:
        if flag.name in _DURATIONS and flag.value is not None:
            duration = _DURATION.match(flag.value)
            end = duration.end() if duration else 0
            if end < len(flag.value) or flag.value.isdigit():
                span = Span(flag.value_span.start + end, flag.value_span.end)
                yield Refusal(span, "a duration that is more than a number and s, m or h")


def _in_pairs(text: str, instruction: Env | Label) -> "Iterator[Refusal]":
    for pair in instruction.pairs:
        at = pair.value.span.start
        if pair.legacy and pair.name.text.count('"') == 1:
            end = pair.value.span.end
            yield Refusal(Span(end, end), "a quoted name without a value")
        elif not pair.legacy and text[at - 1] == "\n" and text[at : at + 1] in ("'", '"'):
            yield Refusal(pair.value.span, "a value whose quotes begin on the next line")
