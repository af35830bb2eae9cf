"""Codacy's objects, one behind the other."""

from collections.abc import Sequence

from wherry.lint.formats.format import Style
from wherry.lint.formats.text import compact, is_parse_error, parse_error
from wherry.lint.linter import Report


def write(reports: Sequence[Report], style: Style) -> str:
    del style
    return "".join(
        compact(
            {
                "filename": report.name,
                "line": finding.line,
                "message": parse_error(report, finding)
                if is_parse_error(finding)
                else finding.message,
                "patternId": finding.code,
            }
        )
        for report in reports
        for finding in report.findings
    )
