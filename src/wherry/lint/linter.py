"""One text in, findings out."""

from collections.abc import Iterator, Sequence

from wherry.dockerfile.directives import CheckOptions, check_above, parse_check
from wherry.dockerfile.dockerfile import Directive
from wherry.dockerfile.source import Source, Span
from wherry.errors import InvalidArgument
from wherry.lint.catalogue import CHECKS, INSIGHTS, RULES, load, names_for
from wherry.lint.document import Document
from wherry.lint.facts import facts_of
from wherry.lint.finding import Finding, Level
from wherry.lint.options import Options
from wherry.lint.pragmas import read_pragmas
from wherry.lint.reading import Reading
from wherry.lint.rule import Hit, Rule
from wherry.values import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.dockerfile.ignorefile import IgnoreFile
    from wherry.lint.shellcheck import Checking
    from wherry.lint.surroundings import Surroundings

UNREADABLE = "DL1000"
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one file, in the order of its lines."""

    source: Source
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """That of the file; standard input is `-` until it cannot be read, as for hadolint."""
        name = self.source.name
        return "/dev/stdin" if name == STDIN and not self.is_readable else name

    @property
    def is_readable(self) -> bool:
        """Whether the file is a Dockerfile at all; else its only findings say why not."""
        return not any(finding.code == UNREADABLE for finding in self.findings)


def lint(source: Source, options: Options = Options()) -> Report:  # noqa: B008 - a constant
    """The findings in `source`."""
    return lint_all([source], options)[0]


def check_for_build(
    source: Source,
    ignore_file: "IgnoreFile | None" = None,
    surroundings: "Surroundings | None" = None,
    check_options: CheckOptions | None = None,
) -> Report:
    """What BuildKit's checks find: what `build --check` shows, and a build warns of.

    Of `surroundings` it is the platforms of base images that count; `check_options` are in place
    of the file's own.
    """
    options = Options(
        rules=False,
        checks=True,
        check_options=check_options,
        shellcheck=False,
        ignore_file=ignore_file,
        surroundings={source.name: surroundings} if surroundings else {},
    )
    return lint(source, options)


def lint_all(sources: Sequence[Source], options: Options) -> list[Report]:
    """The findings in each of `sources`."""
    with Reading(sources, shellcheck=options.shellcheck) as reading:
        return report_all(reading, options)


def report_all(reading: Reading, options: Options) -> list[Report]:
    """The findings in each file that was read."""
    wanted = [_Wanted(document, options) for document in reading.documents]
    faults = [_unreadable(one) for one in wanted]
    found = [fault or list(_findings(one)) for fault, one in zip(faults, wanted, strict=True)]
    if reading.checking is not None:
        for owner, finding in _of_shellcheck(reading.checking, wanted):
            if not faults[owner]:
                found[owner].append(finding)
    return [
        Report(document.source, tuple(sorted(findings, key=_order)))
        for document, findings in zip(reading.documents, found, strict=True)
    ]


def _order(finding: Finding) -> tuple[int, int, Span, str]:
    return finding.line, finding.column, finding.span, finding.code


def _unreadable(wanted: "_Wanted") -> list[Finding]:
    """What keeps the file from being read: it is all there is to say then."""
    document, options = wanted.document, wanted.options
    if not document.problems and not options.strict_hadolint:
        return []
    found: list[Finding] = []
    rule = load("unreadable")
    for hit in rule.check(document, options):
        finding = _finding(document, rule, rule.level, hit)
        line, column, _ = document.source.position(finding.span.start)
        if options.strict_hadolint:  # which counts a tab as up to eight columns
            column = len(document.source.line(line)[: column - 1].expandtabs()) + 1
        found.append(replace(finding, column=column))
    return found


def _findings(wanted: "_Wanted") -> Iterator[Finding]:
    document, options = wanted.document, wanted.options
    for rule in wanted.rules():
        level = wanted.level(rule.code, rule.level)
        if level is not Level.IGNORE:
            for hit in rule.check(document, options):
                finding = _finding(document, rule, level, hit)
                if wanted.at(finding) and not wanted.skips(rule, hit):
                    yield finding


def _of_shellcheck(
    checking: "Checking", wanted: "Sequence[_Wanted]"
) -> Iterator[tuple[int, Finding]]:
    """Its findings, each with the number of its document."""
    told: set[tuple[int, Finding]] = set()
    for comment in checking.comments():
        owner = comment.script.owner
        about = wanted[owner]
        level = about.level(comment.code, comment.level)
        step = comment.script.run.step
        finding = Finding(comment.code, level, comment.message, step.line, span=step.span)
        if level is not Level.IGNORE and about.at(finding) and (owner, finding) not in told:
            told.add((owner, finding))
            yield owner, finding


class _Wanted:
    """What of one document is to be reported, and how bad it is."""

    def __init__(self, document: Document, options: Options) -> None:
        self.document = document
        self.options = options
        self.levels = options.levels
        self.check = CheckOptions()
        if options.checks:
            self.check = options.check_options or _check_options(document)
        self.ignored = set(options.ignored)
        self.of_lines: dict[int, frozenset[str]] = {}
        if options.heed_pragmas:
            pragmas = read_pragmas(document)
            self.ignored |= pragmas.everywhere
            self.of_lines = pragmas.lines_ignored(document)

    def rules(self) -> Iterator[Rule]:
        """Those to ask, the experimental ones only by name."""
        facts = facts_of(self.document, self.options)
        if self.options.rules:
            for name in names_for(RULES, facts):
                if name.upper() not in self.ignored:
                    yield load(f"rules.{name}")
        for name in names_for(INSIGHTS, facts) if self.options.rules else ():
            if name.upper() not in self.ignored:
                yield load(f"insights.{name}")
        if not self.options.checks or "all" in self.check.skip:
            return
        asked = self.check.experimental
        for name in names_for(CHECKS, facts):
            rule = load(f"checks.{name}")
            if rule.code in self.check.skip:
                continue
            if not rule.is_experimental or rule.code in asked or "all" in asked:
                yield replace(rule, level=Level.ERROR) if self.check.error else rule

    def level(self, code: str, default: Level) -> Level:
        return Level.IGNORE if code in self.ignored else self.levels.get(code, default)

    def at(self, finding: Finding) -> bool:
        return finding.code not in self.of_lines.get(finding.line, ())

    def skips(self, rule: Rule, hit: Hit) -> bool:
        """Whether `# check=skip=...` stands right above the instruction."""
        if not self.options.checks or hit.step is None:
            return False
        comments = tuple(comment.text for comment in hit.step.instruction.comments)
        above = check_above(comments)
        return above is not None and (rule.code in above.skip or "all" in above.skip)


def _check_options(document: Document) -> CheckOptions:
    """What the file's `# check=` directive says; nothing if it cannot be read."""
    for item in document.items:
        if isinstance(item, Directive) and item.name == "check":
            try:
                return parse_check(item.value)
            except InvalidArgument:
                break
    return CheckOptions()


def _finding(document: Document, rule: Rule, level: Level, hit: Hit) -> Finding:
    span = hit.span or (hit.step.span if hit.step else None)
    assert span is not None, f"{rule.code} found something nowhere"
    line = hit.step.line if hit.step else document.source.line_of(span.start)
    return Finding(rule.code, level, hit.message or rule.message, line, span=span)
