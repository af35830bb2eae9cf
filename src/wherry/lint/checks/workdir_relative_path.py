"""The first WORKDIR should be absolute; others may build on it.

Bad:

    FROM nginx:1.27
    WORKDIR html

Good:

    FROM nginx:1.27
    WORKDIR /usr/share/nginx
    WORKDIR html
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Workdir
from wherry.go_text import quoted
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.paths import is_absolute
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    known: set[int] = set()
    for step, workdir in document.instructions(Workdir):
        if step.is_trigger:
            continue
        if not is_absolute(workdir.path.text) and not known & set(document.ancestry(step.stage)):
            path = quoted(workdir.path.text)
            yield Hit(
                step,
                f"Relative workdir {path} can have unexpected results if the base image changes",
                workdir.path.span,
            )
        known.add(step.stage)


RULE = Rule(
    "WorkdirRelativePath",
    Level.WARNING,
    "Relative workdir without an absolute workdir declared within the build can have unexpected "
    "results if the base image changes",
    check,
)
