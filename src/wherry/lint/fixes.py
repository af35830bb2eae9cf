"""Findings repaired, and nothing else: a repair that makes something worse is not made.

Rules offer edits; those of one rule are applied together. A text is kept only if it still is a
Dockerfile and has fewer findings than before. Untouched lines stay to the byte. What is certain to
build the same is a repair; what may not be (a version that an image has, quotes around a variable
that may be meant to be split) is an unsafe one, for those who ask.
"""

from collections.abc import Iterable, Iterator
from functools import partial

from wherry.dockerfile.printing import rewrite
from wherry.dockerfile.source import Source, Span
from wherry.lint.catalogue import load_checks, load_rules
from wherry.lint.document import read_document
from wherry.lint.linter import Report, lint
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Fix, Rule
from wherry.values import replace

_MOST_ROUNDS = 50  # each repairs something, so that is a bound for broken rules only


def fix(source: Source, options: Options, *, unsafe: bool = False) -> Source:
    """`source` with every repair that its findings have; with `unsafe` those that guess, too."""
    quotes = options.shellcheck
    # What only hadolint cannot read is repaired all the same.
    options = replace(options, shellcheck=False, strict_hadolint=False)
    for _ in range(_MOST_ROUNDS):
        repaired = _round(source, options, unsafe=unsafe)
        if quotes and repaired is source:
            repaired = _with_quotes(source, options, unsafe=unsafe)
        if repaired is source:
            break
        source = repaired
    return source


def _round(source: Source, options: Options, *, unsafe: bool) -> Source:
    """After one pass over the rules; `source` itself if nothing could be repaired."""
    report = lint(source, options)
    rules = (*load_rules(), *(load_checks() if options.checks else ()))
    for rule in rules:
        for make in _repairs(rule, options, unsafe=unsafe):
            if not any(finding.code == rule.code for finding in report.findings):
                break
            edits = make(read_document(source))
            repaired = _repaired(source, rule.code, edits, report, options)
            if repaired is not source:
                source, report = repaired, lint(repaired, options)
    return source


def _repairs(rule: Rule, options: Options, *, unsafe: bool) -> Iterator[Fix]:
    if rule.fix is not None:
        yield rule.fix
    if unsafe and rule.unsafe_fix is not None:
        yield rule.unsafe_fix
    if unsafe and rule.pin is not None and options.installed:
        from wherry.lint.pins import pinned  # for those who name an image

        yield partial(pinned, pin=rule.pin, installed=options.installed)


def _with_quotes(source: Source, options: Options, *, unsafe: bool) -> Source:
    from wherry.lint.quoting import CODES, quoted  # asks ShellCheck, where it is installed

    document = read_document(source)
    if document.problems or not document.runs:
        return source
    found = list(quoted(document, unsafe=unsafe))
    checked = replace(options, shellcheck=True)
    for code in CODES:
        edits = [edit for each, edit in found if each == code]
        if edits:
            repaired = _repaired(source, code, edits, lint(source, checked), checked)
            if repaired is not source:
                return repaired
    return source


def _repaired(
    source: Source, code: str, offered: Iterable[Edit], report: Report, options: Options
) -> Source:
    edits = list(_wanted(source, code, offered, report))
    if not edits:
        return source
    together = _accepted(source, edits, report, options)
    if together is not None:
        return together
    for edit in edits if len(edits) > 1 else ():
        alone = _accepted(source, [edit], report, options)
        if alone is not None:
            return alone
    return source


def _wanted(source: Source, code: str, edits: Iterable[Edit], report: Report) -> Iterator[Edit]:
    """Those where the rule found something: a pragma may have hidden the rest."""
    document = read_document(source)
    lines = {finding.line for finding in report.findings if finding.code == code}
    reported = [step.span for step in document.steps if step.line in lines]
    # What belongs to an instruction may stand in front of the comments above it.
    reported += [
        type(step.span)(comment.span.start, step.span.end)
        for step in document.steps
        if step.line in lines
        for comment in step.instruction.comments[:1]
    ]
    line_end = "\r\n" if "\r\n" in source.text else "\n"
    for span, text in edits:
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
