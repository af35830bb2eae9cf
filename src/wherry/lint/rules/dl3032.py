"""yum's cache should not stay in the image.

Bad:

    FROM centos:7
    RUN yum install -y httpd-2.4.6

Good:

    FROM centos:7
    RUN yum install -y httpd-2.4.6 && yum clean all
"""

from collections.abc import Iterator

from wherry.lint.chains import appended, is_cleaned_up
from wherry.lint.document import Document, RunStep
from wherry.lint.finding import Level
from wherry.lint.rule import Edit, Rule, in_runs
from wherry.lint.shell import Command


def _installs(command: Command) -> bool:
    return command.name == "yum" and command.has_any("install")


def _cleans(command: Command) -> bool:
    return (command.name == "yum" and command.has_any("clean", "all")) or (
        command.name == "rm" and command.has_any("-rf", "/var/cache/yum/*")
    )


def _is_wrong(run: RunStep) -> bool:
    return not is_cleaned_up(run.script, _installs, _cleans)


def fix(document: Document) -> Iterator[Edit]:
    for run in document.runs:
        if _is_wrong(run):
            yield from appended(document, run.step, "yum clean all")


RULE = Rule(
    "DL3032",
    Level.WARNING,
    "`yum clean all` missing after yum command.",
    in_runs(_is_wrong),
    fix,
)
