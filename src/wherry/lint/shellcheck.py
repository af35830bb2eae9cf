"""ShellCheck's findings inside RUN, from the real program where it is installed.

Each RUN becomes a script as its shell would see it:

    #!/bin/sh                   the first word of SHELL, or of a `hadolint shell=` pragma
    export VERSION=1            for each ARG and ENV that the stage has set, and for proxies
    apt-get install ...

All scripts of a call go to a few processes at once, which work while the rules run: starting the
program costs as much as a handful of scripts. What it finds counts for the line of the RUN.
"""

import _signal as signal  # type: ignore[import-not-found]  # signal itself loads enum
import os
import sys

from wherry.dockerfile.instructions import Arg, Env, From
from wherry.errors import Internal
from wherry.lazy import regex
from wherry.lint.document import BEFORE_STAGES, Document, RunStep, names_set
from wherry.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypedDict

    from wherry.lint.finding import Level

    class _Item(TypedDict):
        file: str
        code: int
        level: str
        message: str
        line: int
        endLine: int
        column: int
        endColumn: int


NAME = "shellcheck"
_DEFAULT_SHELL = "/bin/sh"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY")
_EXCLUDED = "SC1090,SC1091,SC2187"
_REPEATED_BLANKS = "SC2291"
_GAP = regex(r"(?<=\S)[ \t]{2,}(?=\S)")
_FEW = 20  # scripts that are not worth a second process
_MOST = 400  # scripts for one process: the line of arguments is bounded


class ShellCheckFailed(Internal):
    def __init__(self, reason: str) -> None:
        super().__init__(f"{NAME} failed: {reason}")


@dataclass(frozen=True, slots=True)
class Script:
    """What one RUN says to its shell; `owner` is the number of its document."""

    owner: int
    run: RunStep
    text: str
    """`run.text` and what stands around it."""


@dataclass(frozen=True, slots=True)
class Comment:
    """What ShellCheck says of a script."""

    script: Script
    code: str
    level: "Level"
    message: str
    lines: tuple[int, int]
    columns: tuple[int, int]

    @property
    def place(self) -> tuple[int, int] | None:
        """What of `run.text` it is about, by characters; None where that is not certain."""
        lines = self.script.text.split("\n")
        before = self.script.text.rindex(self.script.run.text)
        start, end = (
            sum(len(text) + 1 for text in lines[: line - 1]) + column - 1 - before
            for line, column in zip(self.lines, self.columns, strict=True)
        )
        return (start, end) if 0 <= start < end <= len(self.script.run.text) else None


def program() -> str | None:
    """The path of ShellCheck: the one installed with us, or the first in PATH."""
    folders = [os.path.dirname(sys.executable), *os.environ.get("PATH", "").split(":")]
    paths = (f"{folder}/{NAME}" for folder in folders if folder)
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)


class Checking:
    """ShellCheck at work on `documents`; on none where it is not installed."""

    def __init__(self, documents: "Sequence[Document]") -> None:
        path = program()
        scripts = (
            [script for owner, one in enumerate(documents) for script in _scripts(owner, one)]
            if path
            else []
        )
        self._processes = _Processes(path, scripts) if path and scripts else None

    def comments(self) -> "Iterator[Comment]":
        """What it finds, once it is done."""
        return self._processes.comments() if self._processes else iter(())

    def close(self) -> None:
        if self._processes is not None:
            self._processes.close()


def _scripts(owner: int, document: Document) -> "Iterator[Script]":
    if document.problems:
        return
    variables: dict[int, list[str]] = {BEFORE_STAGES: []}
    deferred: list[str] = []  # those that ONBUILD sets, for what ONBUILD runs
    pragmas = _shells(document)
    runs = {run.step.number: run for run in document.runs}
    pragma_shells: dict[int, str] = {}
    for step in document.steps:
        if isinstance(step.instruction, From):
            base = document.bases[step.stage] if step.stage < len(document.bases) else None
            variables[step.stage] = [] if base is None else list(variables[base])
            if base is not None and base in pragma_shells:
                pragma_shells[step.stage] = pragma_shells[base]
        for line in [line for line in pragmas if line < step.line]:
            pragma_shells[step.stage] = pragmas.pop(line)
        if isinstance(step.instruction, Arg | Env):
            known = deferred if step.is_trigger else variables.setdefault(step.stage, [])
            known.extend(names_set(step.instruction))
        run = runs.get(step.number)
        if run is not None and not run.run.command.is_exec:
            names = deferred if step.is_trigger else variables.get(step.stage, [])
            shell = pragma_shells.get(step.stage) if not run.shell else None
            text = _text(run, shell, names)
            if text:
                yield Script(owner, run, text)


def _shells(document: Document) -> dict[int, str]:
    """What `hadolint shell=` pragmas say, by their lines."""
    if "hadolint" not in document.source.text:
        return {}
    from wherry.lint.pragmas import read_pragmas  # not before ShellCheck is at work

    return read_pragmas(document).shells


def _text(run: RunStep, shell: str | None, names: "Sequence[str]") -> str:
    """The whole script; empty if it is in no language that ShellCheck knows."""
    program_name = shell or (run.shell[0].split()[0] if run.shell and run.shell[0] else "")
    if run.is_foreign or any(word in program_name for word in ("pwsh", "powershell", "cmd")):
        return ""
    if run.heredoc_only and run.text.startswith("#!"):
        first, _, _ = run.text.partition("\n")
        if not first.endswith(("sh", "bash")):
            return ""
    exported = [*(name for proxy in _PROXIES for name in (proxy, proxy.lower())), *names]
    lines = [f"#!{program_name or _DEFAULT_SHELL}", *(f"export {name}=1" for name in exported)]
    documents = [] if run.heredoc_only else [f"{one.content}{one.name}" for one in run.run.files]
    return "\n".join([*lines, run.text, *documents, ""])


class _Processes:
    """ShellChecks at work, each on some of the scripts; files of theirs are in a folder."""

    def __init__(self, path: str, scripts: "Sequence[Script]") -> None:
        self.folder = f"{_temporary()}/wherry-lint-{os.getpid()}-{os.urandom(6).hex()}"
        os.mkdir(self.folder, 0o700)
        self.scripts: dict[str, list[Script]] = {}
        self.running: dict[int, str] = {}  # by its number, where a process writes
        try:
            for number, alike in enumerate(_by_text(scripts)):
                name = f"{self.folder}/{number}"
                _write(name, alike[0].text)
                self.scripts[name] = alike
            names = list(self.scripts)
            processes = min(len(os.sched_getaffinity(0)), 1 + len(names) // _FEW)
            size = min(-(-len(names) // processes), _MOST)
            for at in range(0, len(names), size):
                self._start(path, names[at : at + size])
        except BaseException:
            self.close()
            raise

    def _start(self, path: str, names: list[str]) -> None:
        output = f"{names[0]}.json"
        command = [path, "--norc", "--format=json1", "--severity=style", f"--exclude={_EXCLUDED}"]
        # Not subprocess, which takes 4 ms to load.
        number = os.posix_spawn(
            path,
            [*command, "--", *names],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600),
            ],
        )
        self.running[number] = output

    def comments(self) -> "Iterator[Comment]":
        """What they find, once they are done."""
        from wherry.lint.finding import Level  # while they work

        for number, output in list(self.running.items()):
            _, status = os.waitpid(number, 0)
            del self.running[number]
            try:
                with open(output, "rb") as file:
                    found = _read_json(file.read().decode())["comments"]
            except (ValueError, KeyError, FileNotFoundError) as error:
                code = os.waitstatus_to_exitcode(status)
                raise ShellCheckFailed(f"exit status {code}") from error
            for item in found:
                name, level = f"SC{item['code']}", Level(item["level"])
                lines = item["line"], item["endLine"]
                columns = item["column"], item["endColumn"]
                for script in self.scripts[item["file"]]:
                    if name != _REPEATED_BLANKS or _repeats_blanks(script.run):
                        yield Comment(script, name, level, item["message"], lines, columns)

    def close(self) -> None:
        """End what still runs; leave no file."""
        for number in self.running:
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)
        for name in os.listdir(self.folder):
            os.unlink(f"{self.folder}/{name}")
        os.rmdir(self.folder)


class _Reading:
    """How JSON is read: what `json.JSONDecoder` has for its scanner in C."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float


def _read_json(text: str) -> "dict[str, list[_Item]]":
    """As `json.loads`; without that module, which loads re: more time than ShellCheck takes."""
    from _json import make_scanner

    scan = make_scanner(_Reading())  # type: ignore[arg-type]  # whatever has these attributes
    try:
        found: dict[str, list[_Item]] = scan(text, 0)[0]
    except StopIteration:
        raise ValueError(text) from None
    return found


def _repeats_blanks(run: RunStep) -> bool:
    """Whether blanks that are repeated are more than the indentation of a continued line."""
    starts = [start - run.first_offset for start in run.run.statement.line.starts]
    return run.heredoc_only or any(
        not any(gap.start() <= start <= gap.end() for start in starts)
        for gap in _GAP.finditer(run.text)
    )


def _temporary() -> str:
    """As `tempfile` chooses, which takes 10 ms to load."""
    places = (os.environ.get("TMPDIR"), "/tmp", "/var/tmp")
    found = (place for place in places if place and os.access(place, os.W_OK | os.X_OK))
    return next(found, ".")


def _by_text(scripts: "Sequence[Script]") -> "Iterable[list[Script]]":
    """Files of one project often say the same: once is enough."""
    alike: dict[str, list[Script]] = {}
    for script in scripts:
        alike.setdefault(script.text, []).append(script)
    return alike.values()


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
