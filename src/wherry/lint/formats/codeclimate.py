"""Code Climate's objects, a NUL behind each."""

from collections.abc import Iterator, Sequence

from wherry.lint.finding import Finding, Level
from wherry.lint.formats.format import Style
from wherry.lint.formats.text import Json, compact, is_parse_error, parse_error
from wherry.lint.linter import Report

_SEVERITIES = {
    Level.ERROR: "blocker",
    Level.WARNING: "major",
    Level.INFO: "info",
    Level.STYLE: "minor",
}


def write(reports: Sequence[Report], style: Style) -> str:
    return "".join(f"{compact(issue)}\0" for issue in issues(reports, style))


def issues(reports: Sequence[Report], style: Style) -> Iterator[dict[str, Json]]:
    """One object for each finding."""
    for report in reports:
        for finding in report.findings:
            message = finding.message
            if is_parse_error(finding):
                message = parse_error(report, finding)
            yield {
                "categories": ["Bug Risk"],
                "check_name": finding.code,
                "description": message,
                "location": {"path": style.path or report.name, **_place(finding)},
                "severity": _SEVERITIES.get(finding.level, ""),
                "type": "issue",
            }


def _place(finding: Finding) -> dict[str, Json]:
    if not is_parse_error(finding):
        return {"lines": {"begin": finding.line, "end": finding.line}}
    position: Json = {"column": finding.column, "line": finding.line}
    return {"positions": {"begin": position, "end": position}}
