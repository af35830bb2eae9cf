"""For people: `file:line CODE level: message`."""

from collections.abc import Sequence

from wherry.lint.finding import Finding, Level
from wherry.lint.formats.format import Style
from wherry.lint.formats.text import is_parse_error, one_line
from wherry.lint.linter import Report

_COLORS = {
    Level.ERROR: "\x1b[1m\x1b[91m",
    Level.WARNING: "\x1b[1m\x1b[93m",
    Level.INFO: "\x1b[92m",
    Level.STYLE: "\x1b[96m",
}


def write(reports: Sequence[Report], style: Style) -> str:
    return "".join(
        f"{_line(report, finding, style)}\n" for report in reports for finding in report.findings
    )


def _line(report: Report, finding: Finding, style: Style) -> str:
    if is_parse_error(finding):
        place = f"{report.name}:{finding.line}:{finding.column}"
        return f"{place} {one_line(finding.message)} "
    level = finding.level.value
    if style.color and finding.level in _COLORS:
        level = f"{_COLORS[finding.level]}{level}\x1b[0m"
    return f"{report.name}:{finding.line} {finding.code} {level}: {finding.message}"
