"""One array of objects over all files."""

from collections.abc import Sequence

from wherry.lint.formats.format import Style
from wherry.lint.formats.text import compact
from wherry.lint.linter import Report


def write(reports: Sequence[Report], style: Style) -> str:
    del style
    return compact(
        [
            {
                "code": finding.code,
                "column": finding.column,
                "file": report.name,
                "level": finding.level.value,
                "line": finding.line,
                "message": finding.message,
            }
            for report in reports
            for finding in report.findings
        ]
    )
