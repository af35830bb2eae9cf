"""For editors that read compilers' errors: `hadolint:file:line: CODE level: message`."""

from collections.abc import Sequence

from wherry.lint.formats.format import Style
from wherry.lint.formats.text import is_parse_error, one_line
from wherry.lint.linter import Report


def write(reports: Sequence[Report], style: Style) -> str:
    del style
    lines: list[str] = []
    for report in reports:
        for finding in report.findings:
            place = f"hadolint:{report.name}:{finding.line}"
            if is_parse_error(finding):
                lines.append(f"{place}:{finding.column}: {one_line(finding.message)} \n")
            else:
                level = finding.level.value
                lines.append(f"{place}: {finding.code} {level}: {finding.message}\n")
    return "".join(lines)
