"""Packages of yum and dnf: `name-version`, and `module:stream`."""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Arg, Env
from wherry.lazy import regex
from wherry.lint.document import Document, RunStep, names_set
from wherry.lint.options import Options
from wherry.lint.rule import Check, Hit, Pin
from wherry.lint.shell import Command, Word

DNF = ("dnf", "microdnf")
_VERSION = regex(r"(?a)[^-]*(?=.*-[0-9])(?:-[\w.~^:+]*)+")
_PLAIN_VARIABLE = regex(r"(?a)\$(?:(\w+)|\{(\w+)\})")


def names_no_version(*tools: str) -> Check:
    """A check that finds installations by `tools` of packages without a version."""

    def check(document: Document, options: Options) -> Iterator[Hit]:
        del options
        for run in document.runs:
            known: set[str] | None = None
            for command in run.script.calls(*tools):
                if not command.has_any("install") or _is_dnf_group(command):
                    continue
                if known is None:
                    known = _values_known(document, run)
                if any(not _is_pinned(word, command, known) for word in _packages(command)):
                    yield Hit(run.step)
                    break

    return check


def pin(*tools: str) -> Pin:
    """How packages that one of `tools` installs get a version."""

    def unpinned(command: Command) -> Iterator[Word]:
        if command.name in tools and command.has_any("install") and not _is_dnf_group(command):
            for word in _packages(command) if not command.has_any("module") else ():
                if not _is_pinned(word, command, set()):
                    yield word

    return Pin("rpm", "-", unpinned)


def _is_dnf_group(command: Command) -> bool:
    return command.name in DNF and command.has_any("group")


def _packages(command: Command) -> list[Word]:
    skipped = ("install", "module") if command.has_any("module") else ("install",)
    return [word for word in command.operands() if word.text not in skipped]


def _is_pinned(word: Word, command: Command, known: set[str]) -> bool:
    if command.has_any("module"):
        return ":" in word.text
    if "-" not in word.text:
        return False
    if word.text.endswith(".rpm"):
        return True  # a file has its version
    if word.variables:
        # A variable that the Dockerfile sets is trusted to be a version.
        plain = filter(None, map(_PLAIN_VARIABLE.fullmatch, word.variables))
        return any((match[1] or match[2]) in known for match in plain)
    return bool(_VERSION.fullmatch(word.text))


def _values_known(document: Document, run: RunStep) -> set[str]:
    """Variables that an ARG before the RUN has set, or an ENV of its stage or of a base.

    What ONBUILD defers knows none of them: it runs in another build.
    """
    if run.step.is_trigger:
        return set()
    stages = {run.step.stage, *document.ancestry(run.step.stage)}
    return {
        name
        for step in document.of(Arg, Env)
        if step.number < run.step.number
        and (isinstance(step.instruction, Arg) or step.stage in stages)
        for name in names_set(step.instruction)
    }
