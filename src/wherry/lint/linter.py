"""One text in, findings out."""

from collections.abc import Iterator, Sequence

from wherry.dockerfile.directives import CheckOptions, check_above, parse_check
from wherry.dockerfile.dockerfile import Directive
from wherry.dockerfile.ignorefile import IgnoreFile
from wherry.dockerfile.source import Source, Span
from wherry.errors import InvalidArgument
from wherry.lint.catalogue import load_checks, load_rules
from wherry.lint.document import Document, read_document
from wherry.lint.finding import Finding, Level
from wherry.lint.options import Options
from wherry.lint.pragmas import read_pragmas
from wherry.lint.rule import Hit, Rule
from wherry.values import dataclass, replace

UNREADABLE = "DL1000"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one file, in the order of its lines."""

    source: Source
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def is_readable(self) -> bool:
        """Whether the file is a Dockerfile at all; else its only findings say why not."""
        return not any(finding.code == UNREADABLE for finding in self.findings)


def lint(source: Source, options: Options = Options()) -> Report:  # noqa: B008 - a constant
    """The findings in `source`."""
    return lint_all([source], options)[0]


def check_for_build(source: Source, ignore_file: IgnoreFile | None = None) -> Report:
    """What BuildKit's checks find: what `build --check` shows, and a build warns of."""
    options = Options(rules=False, checks=True, shellcheck=False, ignore_file=ignore_file)
    return lint(source, options)


def lint_all(sources: Sequence[Source], options: Options) -> list[Report]:
    """The findings in each of `sources`."""
    documents = [read_document(source) for source in sources]
    found = [
        list(_unreadable(document)) if document.problems else list(_findings(document, options))
        for document in documents
    ]
    if options.shellcheck:
        for owner, finding in _of_shellcheck(documents, options):
            found[owner].append(finding)
    return [
        Report(source, tuple(sorted(findings, key=_order)))
        for source, findings in zip(sources, found, strict=True)
    ]


def _order(finding: Finding) -> tuple[int, int, Span, str]:
    return finding.line, finding.column, finding.span, finding.code


def _unreadable(document: Document) -> Iterator[Finding]:
    for problem in document.problems:
        line, column, _ = document.source.position(problem.span.start)
        yield Finding(UNREADABLE, Level.ERROR, problem.message, line, column, problem.span)


def _findings(document: Document, options: Options) -> Iterator[Finding]:
    wanted = _Wanted(document, options)
    for rule in wanted.rules():
        level = wanted.level(rule.code, rule.level)
        if level is not Level.IGNORE:
            for hit in rule.check(document, options):
                finding = _finding(document, rule, level, hit)
                if wanted.at(finding) and not wanted.skips(rule, hit):
                    yield finding


def _of_shellcheck(
    documents: Sequence[Document], options: Options
) -> Iterator[tuple[int, Finding]]:
    """Its findings, each with the number of its document."""
    sound = [document for document in documents if not document.problems]
    if not any(document.runs for document in sound):
        return
    from wherry.lint.shellcheck import check_documents  # json and subprocess: 15 ms

    owners = [number for number, document in enumerate(documents) if not document.problems]
    wanted = [_Wanted(document, options) for document in sound]
    told: set[tuple[int, Finding]] = set()
    for comment in check_documents(sound):
        about = wanted[comment.script.owner]
        level = about.level(comment.code, comment.level)
        step = comment.script.run.step
        finding = Finding(comment.code, level, comment.message, step.line, span=step.span)
        key = (comment.script.owner, finding)
        if level is not Level.IGNORE and about.at(finding) and key not in told:
            told.add(key)
            yield owners[comment.script.owner], finding


class _Wanted:
    """What of one document is to be reported, and how bad it is."""

    def __init__(self, document: Document, options: Options) -> None:
        self.options = options
        self.levels = options.levels
        self.check = _check_options(document) if options.checks else CheckOptions()
        self.ignored = set(options.ignored)
        self.of_lines: dict[int, frozenset[str]] = {}
        if options.heed_pragmas:
            pragmas = read_pragmas(document)
            self.ignored |= pragmas.everywhere
            self.of_lines = pragmas.lines_ignored(document)

    def rules(self) -> Iterator[Rule]:
        """Those to ask, the experimental ones only by name."""
        if self.options.rules:
            yield from load_rules()
        if not self.options.checks or "all" in self.check.skip:
            return
        asked = self.check.experimental
        for rule in load_checks():
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
