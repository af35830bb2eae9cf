"""JUnit's XML: a suite for each file, a failed case for each finding."""

import time
from collections.abc import Iterator, Sequence

from wherry.lint.finding import Finding
from wherry.lint.formats.format import Style
from wherry.lint.formats.text import attribute, content, is_parse_error, parse_error
from wherry.lint.linter import Report
from wherry.version import __version__


def write(reports: Sequence[Report], style: Style) -> str:
    now = time.gmtime()
    suites = "".join(_suite(report, style.path or report.name) for report in reports)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<testsuites id="{time.strftime("%Y%m%d_%H%M%S", now)}" '
        f'name="Wherry lint run at {time.strftime("%Y-%m-%d %H:%M:%S", now)}" time="0.001">'
        f"{suites}</testsuites>"
    )


def _suite(report: Report, path: str) -> str:
    cases = "".join(_cases(report, path))
    start = (
        f'<testsuite errors="{0 if report.is_readable else 1}" '
        f'failures="{len(report.findings)}" id="hadolint" name="Wherry {__version__}" time="0.001"'
    )
    return f"{start}>{cases}</testsuite>" if cases else f"{start}/>"


def _cases(report: Report, path: str) -> Iterator[str]:
    for finding in report.findings:
        if is_parse_error(finding):
            yield _parse_error(report, finding, path)
            continue
        level = finding.level.value
        yield (
            f'<testcase id="hadolint.rule.{finding.code}" time="0.001">'
            f'<failure id="{finding.code}" message="{attribute(finding.message)}" type="{level}">'
            f"File: {content(path)}\nLine: {finding.line}\n"
            "Category: Hadolint - Dockerfile Static Analysis\n"
            f"{level}: {content(finding.message)}\n</failure></testcase>"
        )


def _parse_error(report: Report, finding: Finding, path: str) -> str:
    place = f"parse error at line {finding.line}, column {finding.column}"
    return (
        f'<testcase id="hadolint.error" name="{finding.code}" time="0.001">'
        f'<failure message="{place}" type="error">Parse Error in {content(path)}\n'
        f"Line: {finding.line}\nColumn: {finding.column}\n"
        f"Parse Error: {content(parse_error(report, finding))}\n</failure></testcase>"
    )
