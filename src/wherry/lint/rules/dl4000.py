"""MAINTAINER is a label today.

Bad:

    FROM debian:12
    MAINTAINER the team

Good:

    FROM debian:12
    LABEL maintainer="the team"
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Maintainer
from wherry.dockerfile.source import Span
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step in document.of(Maintainer):
        if not step.is_trigger:
            yield Hit(step)


def fix(document: Document) -> Iterator[Edit]:
    for hit in check(document, Options()):
        maintainer = hit.step.instruction if hit.step else None
        if not isinstance(maintainer, Maintainer):
            continue
        name = maintainer.name.text
        if set(name) & {"$", "\\", "`", "\n"}:
            continue  # LABEL would expand what MAINTAINER keeps
        if len(name) > 1 and name[0] == name[-1] == '"' and '"' not in name[1:-1]:
            value = name
        elif '"' not in name:
            value = f'"{name}"'
        else:
            continue
        keyword = "LABEL" if maintainer.keyword.text.isupper() else "label"
        whole = Span(maintainer.keyword.span.start, maintainer.name.span.end)
        yield whole, f"{keyword} maintainer={value}"


RULE = Rule("DL4000", Level.ERROR, "MAINTAINER is deprecated", check, fix)
