"""Findings repaired, and nothing else: a repair that makes something worse is not made.

Rules offer edits; those of one rule are applied together. A text is kept only if it still is a
Dockerfile and has fewer findings than before. Untouched lines stay to the byte.
"""

from collections.abc import Iterator

from wherry.dockerfile.printing import rewrite
from wherry.dockerfile.source import Source, Span
from wherry.lint.catalogue import load_checks, load_rules
from wherry.lint.document import read_document
from wherry.lint.linter import Report, lint
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Rule
from wherry.values import replace

_MOST_ROUNDS = 50  # each repairs something, so that is a bound for broken rules only


def fix(source: Source, options: Options) -> Source:
    """`source` with every repair that its findings have."""
    options = replace(options, shellcheck=False)
    for _ in range(_MOST_ROUNDS):
        repaired = _round(source, options)
        if repaired is source:
            break
        source = repaired
    return source


def _round(source: Source, options: Options) -> Source:
    """After one pass over the rules; `source` itself if nothing could be repaired."""
    report = lint(source, options)
    rules = (*load_rules(), *(load_checks() if options.checks else ()))
    for rule in rules:
        if rule.fix and any(finding.code == rule.code for finding in report.findings):
            repaired = _repaired(source, rule, report, options)
            if repaired is not source:
                source, report = repaired, lint(repaired, options)
    return source


def _repaired(source: Source, rule: Rule, report: Report, options: Options) -> Source:
    edits = list(_edits(source, rule, report))
    if not edits:
        return source
    together = _accepted(source, edits, report, options)
    if together is not None:
        return together
    for edit in edits:
        alone = _accepted(source, [edit], report, options)
        if alone is not None:
            return alone
    return source


def _edits(source: Source, rule: Rule, report: Report) -> Iterator[Edit]:
    """What the rule would do, where it found something: a pragma may have hidden the rest."""
    document = read_document(source)
    lines = {finding.line for finding in report.findings if finding.code == rule.code}
    reported = [step.span for step in document.steps if step.line in lines]
    line_end = "\r\n" if "\r\n" in source.text else "\n"
    assert rule.fix is not None
    for span, text in rule.fix(document):
        if any(_touches(place, span) for place in reported):
            yield span, text.replace("\n", line_end)


def _touches(place: Span, edit: Span) -> bool:
    return place.start <= edit.end and edit.start <= place.end


def _accepted(source: Source, edits: list[Edit], before: Report, options: Options) -> Source | None:
    """The text with `edits`, if that is better."""
    try:
        text = rewrite(source, edits)
    except ValueError:  # they overlap
        return None
    repaired = Source(text, source.name)
    after = lint(repaired, options)
    if not after.is_readable or len(after.findings) >= len(before.findings):
        return None
    codes = {finding.code for finding in before.findings}
    return repaired if all(finding.code in codes for finding in after.findings) else None
