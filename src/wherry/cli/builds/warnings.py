"""What BuildKit's checks find, as docker prints it behind a build."""

from collections.abc import Iterator

from wherry.build.errors import place_of
from wherry.engine.documents.dockerfile import meanings, short_text
from wherry.lint.finding import Finding
from wherry.lint.formats.buildkit import page_of
from wherry.lint.linter import Report

_YELLOW, _PLAIN = "\x1b[33m", "\x1b[0m"


def warning_lines(report: Report, *, expanded: bool, colored: bool) -> Iterator[str]:
    """A line for each finding; `expanded` with what it means and where it is."""
    count = len(report.findings)
    title = f"{count} warning{'s' if count != 1 else ''} found"
    title += ":" if expanded else " (use --debug to expand):"
    yield ""
    yield f" {_YELLOW}{title}{_PLAIN}" if colored else f" {title}"
    known = meanings() if expanded else {}
    for finding in report.findings:
        yield f" - {short_text(finding)}"
        if expanded:
            yield from _expanded(report, finding, known.get(finding.code, ""))


def _expanded(report: Report, finding: Finding, meaning: str) -> Iterator[str]:
    if meaning:
        yield meaning
    if page := page_of(finding.code):
        yield f"More info: {page}"
    yield place_of(report.source, finding.span).excerpt
    yield ""
