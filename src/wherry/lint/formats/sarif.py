"""SARIF 2.1.0, the format of code scanning services."""

from collections.abc import Sequence

from wherry.lint.finding import Finding, Level
from wherry.lint.formats.format import Style
from wherry.lint.formats.text import Json, compact
from wherry.lint.linter import Report
from wherry.version import __version__

_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning"}
_DRIVER: dict[str, Json] = {
    "fullName": "Wherry Dockerfile linter",
    "name": "Wherry",
    "shortDescription": {"text": "Dockerfile linter with hadolint's rules"},
    "version": __version__,
}


def write(reports: Sequence[Report], style: Style) -> str:
    del style
    results: list[Json] = [
        _result(report.name, finding) for report in reports for finding in report.findings
    ]
    return compact(
        {
            "$schema": "http://json.schemastore.org/sarif-2.1.0",
            "runs": [
                {
                    "defaultSourceLanguage": "dockerfile",
                    "results": results,
                    "tool": {"driver": _DRIVER},
                }
            ],
            "version": "2.1.0",
        }
    )


def _result(path: str, finding: Finding) -> dict[str, Json]:
    region: dict[str, Json] = {
        "endColumn": finding.column,
        "endLine": finding.line,
        "sourceLanguage": "sh" if finding.code.startswith("SC") else "dockerfile",
        "startColumn": finding.column,
        "startLine": finding.line,
    }
    location: dict[str, Json] = {
        "physicalLocation": {"artifactLocation": {"uri": path}, "region": region}
    }
    return {
        "level": _LEVELS.get(finding.level, "note"),
        "locations": [location],
        "message": {"text": finding.message},
        "ruleId": finding.code,
    }
