"""GitHub's workflow commands, which it shows beside the lines of a change.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from collections.abc import Sequence

from wherry.lint.finding import Level
from wherry.lint.formats.format import Style
from wherry.lint.linter import Report

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning"}


def write(reports: Sequence[Report], style: Style) -> str:
    return "".join(
        f"::{_COMMANDS.get(finding.level, 'notice')} "
        f"file={_property(style.path or report.name)},line={finding.line},"
        f"col={finding.column},title={finding.code}::{_data(finding.message)}\n"
        for report in reports
        for finding in report.findings
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
