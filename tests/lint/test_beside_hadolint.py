"""The same findings as hadolint: recorded ones, and its real binary where it is installed."""

import pytest

from tests.lint.cases import Case, places_of_hadolint, places_of_ours, read_cases
from tests.lint.dockerfiles import dockerfiles
from tests.lint.hadolint import findings_of_hadolint
from wherry.dockerfile.source import Source
from wherry.lint.catalogue import CHECKS, RULES, load, names_for
from wherry.lint.document import read_document
from wherry.lint.facts import facts_of
from wherry.lint.finding import Level
from wherry.lint.linter import lint
from wherry.lint.options import Options

CASES = read_cases()


def test_findings_are_those_recorded_of_hadolint() -> None:
    assert len(CASES) > 800
    assert [case for case in CASES if places_of_ours(case.text) != case.ours] == []


def test_a_rule_that_is_not_loaded_would_have_found_nothing() -> None:
    """What the table says a rule needs is no more than it needs."""
    options = Options(shellcheck=False, checks=True, levels={"DL1001": Level.INFO})
    for text in [*(case.text for case in CASES[::4]), *dockerfiles(40)]:
        document = read_document(Source(text))
        if document.problems:
            continue
        facts = facts_of(document, options)
        for folder, table in (("rules", RULES), ("checks", CHECKS)):
            for name in set(table) - set(names_for(table, facts)):
                assert not list(load(f"{folder}.{name}").check(document, options)), (name, text)


def test_few_differ_and_each_says_why() -> None:
    different = [case for case in CASES if case.ours != case.theirs]

    assert all(case.reason for case in different)
    assert len(different) < len(CASES) * 0.03


@pytest.mark.needs("hadolint")
def test_the_record_is_what_hadolint_says() -> None:
    said = places_of_hadolint([case.text for case in CASES])

    assert [_told(c, s) for c, s in zip(CASES, said, strict=True) if c.theirs != s] == []


def _told(case: Case, said: tuple[str, ...]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return case.text, case.theirs, said


@pytest.mark.needs("hadolint")
def test_whole_files_have_the_same_lines_levels_and_messages() -> None:
    texts = list(dockerfiles(250))

    different: list[tuple[str, object, object]] = []
    for text, found in zip(texts, findings_of_hadolint(texts), strict=True):
        report = lint(Source(text), Options(shellcheck=False))
        ours = sorted((f.code, f.line, f.level.value, f.message) for f in report.findings)
        # A statement right behind the end of a heredoc is more than its parser can read.
        if sorted(set(found)) != sorted(set(ours)) and [f[0] for f in found] != ["DL1000"]:
            different.append((text, sorted(set(found) - set(ours)), sorted(set(ours) - set(found))))
    assert different == []
