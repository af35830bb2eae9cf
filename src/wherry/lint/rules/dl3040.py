"""dnf's cache should not stay in the image.

Bad:

    FROM fedora:40
    RUN dnf install -y httpd-2.4.62

Good:

    FROM fedora:40
    RUN dnf install -y httpd-2.4.62 && dnf clean all
"""

from collections.abc import Iterator

from wherry.lint.chains import appended, is_cleaned_up
from wherry.lint.document import Document, RunStep
from wherry.lint.finding import Level
from wherry.lint.mounts import mounts_below, mounts_over
from wherry.lint.rpm import DNF
from wherry.lint.rule import Edit, Rule, in_runs
from wherry.lint.shell import Command

_FETCHING = (*("install", "in", "upgrade", "up", "upgrade-minimal", "up-min", "reinstall", "rei"),)


def _tool_left_unclean(run: RunStep) -> str:
    """The first of dnf and its kin whose cache stays; "" if none."""
    if mounts_over(run, "/var/cache/libdnf5") or mounts_below(run, "/.cache/libdnf5"):
        return ""
    for tool in DNF:

        def fetches(command: Command, tool: str = tool) -> bool:
            return command.name == tool and command.has_any(*_FETCHING)

        def cleans(command: Command, tool: str = tool) -> bool:
            return (command.name == tool and command.has_any("clean", "all")) or (
                command.name == "rm" and command.has_any("-rf", "/var/cache/libdnf5*")
            )

        if not is_cleaned_up(run.script, fetches, cleans):
            return tool
    return ""


def fix(document: Document) -> Iterator[Edit]:
    for run in document.runs:
        if tool := _tool_left_unclean(run):
            yield from appended(document, run.step, f"{tool} clean all")


RULE = Rule(
    "DL3040",
    Level.WARNING,
    "`dnf clean all` missing after dnf command.",
    in_runs(lambda run: bool(_tool_left_unclean(run))),
    fix,
)
