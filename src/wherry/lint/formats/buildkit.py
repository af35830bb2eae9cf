"""As `docker build --check` shows findings: the sentence, then the lines around the place."""

from collections.abc import Iterator, Sequence

from wherry.lint.catalogue import CHECKS
from wherry.lint.finding import Finding
from wherry.lint.formats.format import Style
from wherry.lint.linter import Report

_PAGES = "https://docs.docker.com/go/dockerfile/rule"
_UNDESCRIBED = ("invalid_base_image_platform",)  # of which Docker has no page
_DASHED = {
    name.replace("_", ""): name.replace("_", "-") for name in CHECKS if name not in _UNDESCRIBED
}
_AROUND = 4  # lines shown besides a single one; half of that around several


def write(reports: Sequence[Report], style: Style) -> str:
    del style
    return "".join(
        text
        for report in reports
        for finding in report.findings
        for text in _shown(report, finding)
    )


def _shown(report: Report, finding: Finding) -> Iterator[str]:
    page = page_of(finding.code)
    yield f"\nWARNING: {finding.code}{f' - {page}' if page else ''}\n"
    yield f"{finding.message}\n"
    lines = report.source.text.split("\n")
    start, end = report.source.lines_of(finding.span)
    marked = range(start, end + 1)
    first, last = _surroundings(start, end, len(lines))
    yield f"{report.name}:{start}\n--------------------\n"
    for number in range(first, last + 1):
        mark = ">>>" if number in marked else "   "
        yield f" {number:3} | {mark} {lines[number - 1]}\n"
    yield "--------------------\n"


def page_of(code: str) -> str:
    """The address of the page of one of BuildKit's checks; "" for any other rule."""
    dashed = _DASHED.get(code.lower())
    return f"{_PAGES}/{dashed}/" if dashed else ""


def _surroundings(start: int, end: int, count: int) -> tuple[int, int]:
    """The first and last line to show, widened by turns on both sides as BuildKit does."""
    wanted = _AROUND if start == end else _AROUND // 2
    shown = 0
    while shown < wanted:
        if start > 1:
            start -= 1
            shown += 1
        if end != count:
            end += 1
            shown += 1
        shown += 1
    return start, end
