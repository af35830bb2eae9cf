"""ShellCheck's findings inside RUN, from the real program where it is installed.

Each RUN becomes a script as its shell would see it:

    #!/bin/sh                   the first word of SHELL, or of a `hadolint shell=` pragma
    export VERSION=1            for each ARG and ENV that the stage has set, and for proxies
    apt-get install ...

All scripts of a call go to a few processes at once: starting the program costs as much as a
handful of scripts. What it finds counts for the line of the RUN.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from wherry.dockerfile.instructions import Arg, Env, From
from wherry.errors import Internal
from wherry.lint.document import BEFORE_STAGES, Document, RunStep, names_set
from wherry.lint.finding import Level
from wherry.lint.pragmas import read_pragmas
from wherry.values import dataclass

NAME = "shellcheck"
_DEFAULT_SHELL = "/bin/sh"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY")
_EXCLUDED = "SC1090,SC1091,SC2187"
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


@dataclass(frozen=True, slots=True)
class Comment:
    """What ShellCheck says of a script."""

    script: Script
    code: str
    level: Level
    message: str


@cache
def program() -> str | None:
    """The path of ShellCheck: the one installed with us, or the first in PATH."""
    import shutil  # 5 ms, after everything else

    beside = Path(sys.executable).parent / NAME
    return str(beside) if beside.exists() else shutil.which(NAME)


def check_documents(documents: Sequence[Document]) -> list[Comment]:
    """ShellCheck's comments on the RUNs of `documents`; none where it is not installed."""
    path = program()
    if path is None:
        return []
    scripts = [
        script for owner, document in enumerate(documents) for script in _scripts(owner, document)
    ]
    return list(_comments(path, scripts)) if scripts else []


def _scripts(owner: int, document: Document) -> Iterator[Script]:
    variables: dict[int, list[str]] = {BEFORE_STAGES: []}
    pragmas = read_pragmas(document).shells
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
        if isinstance(step.instruction, Arg | Env) and not step.is_trigger:
            variables.setdefault(step.stage, []).extend(names_set(step.instruction))
        run = runs.get(step.number)
        if run is not None and not run.run.command.is_exec:
            names = [] if step.is_trigger else variables.get(step.stage, [])
            shell = pragma_shells.get(step.stage) if not run.shell else None
            text = _text(run, shell, names)
            if text:
                yield Script(owner, run, text)


def _text(run: RunStep, shell: str | None, names: Sequence[str]) -> str:
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
    return "\n".join([*lines, run.text, ""])


def _comments(path: str, scripts: Sequence[Script]) -> Iterator[Comment]:
    import tempfile  # 10 ms, and only who has ShellCheck and RUNs needs it

    processes = min(len(os.sched_getaffinity(0)), 1 + len(scripts) // _FEW)
    size = min(-(-len(scripts) // processes), _MOST)
    with tempfile.TemporaryDirectory(prefix="wherry-lint-") as folder, ExitStack() as stack:
        names = [f"{folder}/{number}" for number in range(len(scripts))]
        for name, script in zip(names, scripts, strict=True):
            Path(name).write_bytes(script.text.encode("utf-8", "surrogateescape"))
        waiting = [
            stack.enter_context(_started(path, names[at : at + size]))
            for at in range(0, len(names), size)
        ]
        for process in waiting:
            yield from _read(process, dict(zip(names, scripts, strict=True)))


def _started(path: str, names: Sequence[str]) -> "subprocess.Popen[bytes]":
    command = [path, "--norc", "--format=json1", "--severity=style", f"--exclude={_EXCLUDED}"]
    return subprocess.Popen(
        [*command, "--", *names], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )


def _read(process: "subprocess.Popen[bytes]", scripts: dict[str, Script]) -> Iterator[Comment]:
    output, _ = process.communicate()
    try:
        comments = json.loads(output)["comments"]
    except (ValueError, KeyError) as error:
        raise ShellCheckFailed(f"exit status {process.returncode}") from error
    for item in comments:
        yield Comment(
            scripts[item["file"]], f"SC{item['code']}", Level(item["level"]), item["message"]
        )
