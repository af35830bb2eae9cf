"""Checkstyle's XML, version 4.3."""

from collections.abc import Iterator, Sequence

from wherry.lint.formats.format import Style
from wherry.lint.formats.text import attribute, is_parse_error, parse_error
from wherry.lint.linter import Report


def write(reports: Sequence[Report], style: Style) -> str:
    files = "".join(_file(report, style.path or report.source.name) for report in reports)
    return f'<?xml version="1.0" encoding="UTF-8"?><checkstyle version="4.3">{files}</checkstyle>'


def _file(report: Report, name: str) -> str:
    errors = "".join(_errors(report))
    if not errors:
        return f'<file name="{attribute(name)}"/>'
    return f'<file name="{attribute(name)}">{errors}</file>'


def _errors(report: Report) -> Iterator[str]:
    for finding in report.findings:
        source, message = f' source="{finding.code}"', finding.message
        if is_parse_error(finding):
            source, message = "", parse_error(report, finding)
        yield (
            f'<error column="{finding.column}" line="{finding.line}" '
            f'message="{attribute(message)}" severity="{finding.level.value}"{source}/>'
        )
