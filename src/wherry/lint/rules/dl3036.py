"""zypper's cache should not stay in the image.

Bad:

    FROM opensuse/leap:15.6
    RUN zypper install -y curl=8.6.0

Good:

    FROM opensuse/leap:15.6
    RUN zypper install -y curl=8.6.0 && zypper clean
"""

from collections.abc import Iterator

from wherry.lint.chains import appended, is_cleaned_up
from wherry.lint.document import Document, RunStep
from wherry.lint.finding import Level
from wherry.lint.mounts import mounts_over
from wherry.lint.rule import Edit, Rule, in_runs
from wherry.lint.shell import Command


def _installs(command: Command) -> bool:
    return command.name == "zypper" and command.has_any("install", "in")


def _cleans(command: Command) -> bool:
    return command.name == "zypper" and command.has_any("clean", "cc")


def _is_wrong(run: RunStep) -> bool:
    return not is_cleaned_up(run.script, _installs, _cleans) and not mounts_over(
        run, "/var/cache/zypp"
    )


def fix(document: Document) -> Iterator[Edit]:
    for run in document.runs:
        if _is_wrong(run):
            yield from appended(document, run.step, "zypper clean")


RULE = Rule(
    "DL3036", Level.WARNING, "`zypper clean` missing after zypper use.", in_runs(_is_wrong), fix
)
