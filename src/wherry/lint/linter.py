"""One text in, findings out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wherry.dockerfile.errors import Problem
from wherry.dockerfile.source import Source
from wherry.lint.catalogue import load_rules
from wherry.lint.document import Document, read_document
from wherry.lint.finding import Finding, Level
from wherry.lint.options import Options
from wherry.lint.pragmas import read_pragmas
from wherry.lint.rule import Hit, Rule

UNREADABLE = "DL1000"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one file, in the order of its lines."""

    name: str
    findings: tuple[Finding, ...]

    @property
    def is_readable(self) -> bool:
        """Whether the file is a Dockerfile at all; else its only findings say why not."""
        return not any(finding.code == UNREADABLE for finding in self.findings)


def lint(source: Source, options: Options = Options()) -> Report:  # noqa: B008 - a constant
    """The findings in `source`."""
    document = read_document(source)
    if document.problems:
        return Report(source.name, tuple(_unreadable(source, document.problems)))
    findings = sorted(
        _findings(document, options),
        key=lambda finding: (finding.line, finding.span, finding.code),
    )
    return Report(source.name, tuple(findings))


def _unreadable(source: Source, problems: Sequence[Problem]) -> Iterator[Finding]:
    for problem in problems:
        line, column, _ = source.position(problem.span.start)
        yield Finding(UNREADABLE, Level.ERROR, problem.message, line, column, problem.span)


def _findings(document: Document, options: Options) -> Iterator[Finding]:
    pragmas = read_pragmas(document)
    ignored = set(options.ignored)
    of_lines: dict[int, frozenset[str]] = {}
    if options.heed_pragmas:
        ignored |= pragmas.everywhere
        of_lines = pragmas.lines_ignored(document)
    for rule in load_rules():
        level = options.levels.get(rule.code, rule.level)
        if level is Level.IGNORE or rule.code in ignored:
            continue
        for hit in rule.check(document, options):
            finding = _finding(document, rule, level, hit)
            if rule.code not in of_lines.get(finding.line, ()):
                yield finding


def _finding(document: Document, rule: Rule, level: Level, hit: Hit) -> Finding:
    span = hit.span or (hit.step.span if hit.step else None)
    assert span is not None, f"{rule.code} found something nowhere"
    line = hit.step.line if hit.step else document.source.line_of(span.start)
    return Finding(rule.code, level, hit.message or rule.message, line, span=span)
