"""SonarQube's generic issues."""

from collections.abc import Sequence

from wherry.lint.finding import Finding, Level
from wherry.lint.formats.format import Style
from wherry.lint.formats.text import Json, compact, is_parse_error
from wherry.lint.linter import Report

_SEVERITIES = {
    Level.ERROR: "CRITICAL",
    Level.WARNING: "MAJOR",
    Level.INFO: "MINOR",
    Level.STYLE: "INFO",
}


def write(reports: Sequence[Report], style: Style) -> str:
    return compact(
        {
            "issues": [
                _issue(finding, style.path or report.source.name)
                for report in reports
                for finding in report.findings
            ]
        }
    )


def _issue(finding: Finding, path: str) -> dict[str, Json]:
    is_unreadable = is_parse_error(finding)
    return {
        "engineId": "Hadolint",
        "primaryLocation": {
            "filePath": path,
            "message": finding.message,
            "textRange": {
                "endColumn": finding.column,
                "endLine": finding.line,
                "startColumn": finding.column if is_unreadable else 0,
                "startLine": finding.line,
            },
        },
        "ruleId": finding.code,
        "severity": "BLOCKER" if is_unreadable else _SEVERITIES.get(finding.level, "INFO"),
        "type": "BUG" if finding.level is Level.ERROR else "CODE_SMELL",
    }
