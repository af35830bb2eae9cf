"""Recommended packages are rarely needed in an image.

Bad:

    FROM debian:12
    RUN apt-get install -y curl=7.88.1-10

Good:

    FROM debian:12
    RUN apt-get install -y --no-install-recommends curl=7.88.1-10
"""

from collections.abc import Iterator

from wherry.dockerfile.source import Span
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.inserting import insertion_behind
from wherry.lint.rule import Edit, Rule, in_commands
from wherry.lint.shell import Command

_FLAG = "--no-install-recommends"
_CERTIFICATES = "ca-certificates"
_FETCHERS = ("curl", "wget", "git")
_OFF = "APT::Install-Recommends=false"


def _is_wrong(command: Command) -> bool:
    return (
        command.name == "apt-get"
        and command.has_any("install")
        and not command.has_flag("no-install-recommends")
        and not command.has_any(_OFF)
    )


def fix(document: Document) -> Iterator[Edit]:
    """The flag; and by name what curl, wget and git recommend, where the file needs it."""
    secured = "https://" not in document.source.text or any(
        word.text.partition("=")[0] == _CERTIFICATES
        for run in document.runs
        for command in run.script.commands
        for word in command.words
    )
    for run in document.runs:
        for command in run.script.commands:
            if not _is_wrong(command):
                continue
            packages = [word for word in command.operands() if word.text != "install"]
            if secured or not any(word.text.partition("=")[0] in _FETCHERS for word in packages):
                yield from insertion_behind(run, command, ("install",), _FLAG)
            elif not run.run.command.is_exec and not any("=" in word.text for word in packages):
                # Who pins versions wants one of this, too, which nobody knows here.
                secured = True
                at = run.offset(packages[0].start)
                yield Span(at, at), f"{_FLAG} {_CERTIFICATES} "


RULE = Rule(
    "DL3015",
    Level.INFO,
    "Avoid additional packages by specifying `--no-install-recommends`",
    in_commands(_is_wrong),
    fix,
)
