"""pip's cache should not stay in the image.

Bad:

    FROM python:3.12
    RUN pip install flask==3.0.3

Good:

    FROM python:3.12
    RUN pip install --no-cache-dir flask==3.0.3
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Env
from wherry.lint.document import Document, RunStep
from wherry.lint.finding import Level
from wherry.lint.inserting import insertion_behind
from wherry.lint.mounts import mounts_below
from wherry.lint.options import Options
from wherry.lint.paths import without_quotes
from wherry.lint.pip import installs
from wherry.lint.rule import Edit, Hit, Rule
from wherry.lint.shell import Command

_VARIABLE = "PIP_NO_CACHE_DIR"
_TRUE = ("1", "on", "yes", "true")


def _caches(command: Command) -> bool:
    return command.name != "pipx" and installs(command) and not command.has_any("--no-cache-dir")


def _is_off(name: str, value: str) -> bool:
    return name == _VARIABLE and without_quotes(value).lower() in _TRUE


def _wrong_runs(document: Document) -> Iterator[RunStep]:
    off: dict[int, int] = {}
    for step, env in document.instructions(Env):
        if not step.is_trigger and any(_is_off(p.name.text, p.value.text) for p in env.pairs):
            off.setdefault(step.stage, step.number)
    for run in document.runs:
        step = run.step
        if not step.is_trigger and (
            off.get(step.stage, step.number) < step.number
            or any(stage in off for stage in list(document.ancestry(step.stage))[1:])
        ):
            continue
        script = run.script
        if (
            any(_caches(command) for command in script.commands)
            and not any(_is_off(item.name, item.value) for item in script.assignments)
            and not mounts_below(run, "/.cache/pip")
        ):
            yield run


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for run in _wrong_runs(document):
        yield Hit(run.step)


def fix(document: Document) -> Iterator[Edit]:
    for run in _wrong_runs(document):
        for command in run.script.commands:
            if _caches(command):
                yield from insertion_behind(run, command, ("install",), "--no-cache-dir")


RULE = Rule(
    "DL3042",
    Level.WARNING,
    "Avoid use of cache directory with pip. Use `pip install --no-cache-dir <package>`",
    check,
    fix,
)
