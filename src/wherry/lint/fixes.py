"""Findings repaired, and nothing else: a repair that makes something worse is not made.

Rules offer edits; those of one rule are applied together. A text is kept only if it still is a
Dockerfile and has fewer findings than before; what uncovers findings of other rules (apt-get for
apt) is judged together with their repairs. Untouched lines stay to the byte. What is certain to
build the same is a repair; what may not be (a version that an image has, quotes around a variable
that may be meant to be split) is an unsafe one, for those who ask.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import accumulate

from wherry.dockerfile.printing import rewrite
from wherry.dockerfile.source import Source, Span
from wherry.lint.catalogue import load_checks, load_rules
from wherry.lint.document import read_document
from wherry.lint.linter import Report, lint
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Fix, Rule
from wherry.values import replace

_MOST_ALONE = 25  # edits of a rule that are tried one by one: each costs a reading of the file
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


def _round(source: Source, options: Options, *, unsafe: bool, uncovering: bool = True) -> Source:
    """After one pass over the rules; `source` itself if nothing could be repaired."""
    report = lint(source, options)
    rules = (*load_rules(), *(load_checks() if options.checks else ()))
    for rule in rules:
        if rule.uncovers and not uncovering:
            continue
        for make in _repairs(rule, options, unsafe=unsafe):
            if not any(finding.code == rule.code for finding in report.findings):
                break
            edits = make(read_document(source))
            settle = partial(_settled, options=options, unsafe=unsafe) if rule.uncovers else None
            repaired = _repaired(source, rule.code, edits, report, options, settle)
            if repaired is not source:
                source, report = repaired, lint(repaired, options)
    return source


def _settled(source: Source, options: Options, *, unsafe: bool) -> Source:
    """After all repairs that uncover nothing."""
    for _ in range(_MOST_ROUNDS):
        repaired = _round(source, options, unsafe=unsafe, uncovering=False)
        if repaired is source:
            break
        source = repaired
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
    source: Source,
    code: str,
    offered: Iterable[Edit],
    report: Report,
    options: Options,
    settle: Callable[[Source], Source] | None = None,
) -> Source:
    """With all edits where that is better, else with the first that is alone."""
    edits = list(_wanted(source, code, offered, report))
    for some in (edits, *([edit] for edit in edits[:_MOST_ALONE] if len(edits) > 1)):
        text = _rewritten(source, some)
        if not some or text is None:
            continue
        repaired = settle(text) if settle else text
        after = lint(repaired, options)
        is_better = _uncovers_no_more if settle else _has_fewer
        if after.is_readable and is_better(code, report, after):
            return repaired
    return source


def _has_fewer(code: str, before: Report, after: Report) -> bool:
    del code
    codes = {finding.code for finding in before.findings}
    return len(after.findings) < len(before.findings) and all(
        finding.code in codes for finding in after.findings
    )


def _uncovers_no_more(code: str, before: Report, after: Report) -> bool:
    hits = [sum(finding.code == code for finding in one.findings) for one in (before, after)]
    return len(after.findings) <= len(before.findings) and hits[1] < hits[0]


def _wanted(source: Source, code: str, edits: Iterable[Edit], report: Report) -> Iterator[Edit]:
    """Those where the rule found something (a pragma may have hidden the rest), and no comment is.

    One inside an instruction has no place in what it becomes.
    """
    document = read_document(source)
    lines = {finding.line for finding in report.findings if finding.code == code}
    reported: list[tuple[int, int]] = []
    for step in document.steps:
        if step.line in lines:
            # What belongs to an instruction may stand in front of the comments above it.
            comments = step.instruction.comments
            start = min(step.span.start, comments[0].span.start) if comments else step.span.start
            reported.append((start, step.span.end))
    starts = [start for start, _ in reported]
    ends = list(accumulate((end for _, end in reported), max))
    line_end = "\r\n" if "\r\n" in source.text else "\n"
    for span, text in edits:
        nearest = bisect_right(starts, span.end) - 1
        touches = nearest >= 0 and ends[nearest] >= span.start
        if touches and not _loses(source, span, text):
            yield span, text.replace("\n", line_end)


def _loses(source: Source, span: Span, text: str) -> bool:
    lines = (line.strip() for line in source.slice(span).split("\n")[1:])
    return any(line.startswith("#") and line not in text for line in lines)


def _rewritten(source: Source, edits: list[Edit]) -> Source | None:
    try:
        return Source(rewrite(source, edits), source.name)
    except ValueError:  # they overlap
        return None
