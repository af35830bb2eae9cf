"""What BuildKit's checks find, as docker prints it behind a build."""

import base64
from collections.abc import Iterator

from wherry.build.errors import place_of
from wherry.lint.catalogue import load_checks
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
    meanings = _meanings() if expanded else {}
    for finding in report.findings:
        yield f" - {_short(finding)}"
        if expanded:
            yield from _expanded(report, finding, meanings.get(finding.code, ""))


def warning_documents(report: Report) -> list[dict[str, object]]:
    """As BuildKit's SolveStatus has them."""
    meanings = _meanings()
    return [
        {
            "level": 1,
            "short": _encoded(_short(finding)),
            "detail": [_encoded(meanings.get(finding.code, ""))],
            "url": page_of(finding.code),
            "sourceInfo": {"filename": report.name, "data": _encoded(report.source.text)},
            "range": [{"start": {"line": first}, "end": {"line": last}}],
        }
        for finding in report.findings
        for first, last in [report.source.lines_of(finding.span)]
    ]


def _short(finding: Finding) -> str:
    return f"{finding.code}: {finding.message} (line {finding.line})"


def _expanded(report: Report, finding: Finding, meaning: str) -> Iterator[str]:
    if meaning:
        yield meaning
    if page := page_of(finding.code):
        yield f"More info: {page}"
    yield place_of(report.source, finding.span).excerpt
    yield ""


def _meanings() -> dict[str, str]:
    return {rule.code: rule.message for rule in load_checks()}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()
