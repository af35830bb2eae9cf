"""What clients of the API ask of a Dockerfile that is not built: BuildKit's subrequests."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from wherry.build.contexts import OpenedContext
from wherry.engine.builds.definition import check, definition, outline
from wherry.engine.builds.options import BuildOptions

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

Answer = tuple[dict[str, object], int]
"""A document, and the status that its client exits with."""


def answer_question(engine: "Engine", options: Mapping[str, object], question: str) -> Answer:
    """The answer to one of QUESTIONS. `options` are those of `BuildOptions`, as plain values."""
    asked = BuildOptions(**options, environ={}, cwd="/")  # type: ignore[arg-type]  # as they say
    with definition(engine, asked) as opened:
        return QUESTIONS[question](engine, opened, asked)


# The linter's catalogue comes with the documents: for who asks.


def _check(engine: "Engine", opened: OpenedContext, options: BuildOptions) -> Answer:
    from wherry.engine.documents.dockerfile import check_document

    report = check(engine, opened, options)
    return check_document(report), 1 if report.findings else 0


def _outline(_engine: "Engine", opened: OpenedContext, options: BuildOptions) -> Answer:
    from wherry.engine.documents.dockerfile import outline_document

    return outline_document(outline(opened, options), opened.dockerfile.source), 0


def _targets(_engine: "Engine", opened: OpenedContext, _options: BuildOptions) -> Answer:
    from wherry.engine.documents.dockerfile import targets_document

    return targets_document(opened.dockerfile), 0


QUESTIONS: Mapping[str, Callable[["Engine", OpenedContext, BuildOptions], Answer]] = {
    "frontend.lint": _check,
    "frontend.outline": _outline,
    "frontend.targets": _targets,
}
