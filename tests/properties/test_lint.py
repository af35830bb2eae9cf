"""Laws of the linter: it reads anything, and its repairs make nothing worse."""

from difflib import SequenceMatcher

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lint.dockerfiles import RUNS, dockerfiles
from tests.properties.strategies import dockerfiles as odd_dockerfiles
from wherry.dockerfile.lines import lex
from wherry.dockerfile.source import Source
from wherry.lint.fixes import fix
from wherry.lint.linter import lint
from wherry.lint.options import Options
from wherry.values import replace

OPTIONS = Options(shellcheck=False)
INSTALLED = {"apt": {"curl": "7.1"}, "pip": {"flask": "3.0"}, "npm": {"express": "4.1"}}
_JOINTS = st.sampled_from([" && ", "; ", " | ", " || ", " & ", " \\\n && ", " \\\n# inside\n && "])
_RUNS = st.lists(st.tuples(st.sampled_from(RUNS), _JOINTS), min_size=1, max_size=3).map(
    lambda pieces: "RUN " + "".join(run + joint for run, joint in pieces).rstrip(" &|;\\")
)
_WHOLE = st.sampled_from(list(dockerfiles(300)))
_MADE_UP = st.lists(st.one_of(_RUNS, st.sampled_from(["# note", "", "USER 1", "CMD a b"]))).map(
    lambda lines: "\n".join(["FROM debian:12", *lines, ""])
)
_ENDS = st.sampled_from(["\n", "\r\n"])
TEXTS = st.tuples(st.one_of(_WHOLE, _MADE_UP, odd_dockerfiles()), _ENDS).map(
    lambda pair: pair[0].replace("\r\n", "\n").replace("\n", pair[1])
)


@given(odd_dockerfiles())
def test_anything_can_be_linted(text: str) -> None:
    source = Source(text)
    for finding in lint(source, OPTIONS).findings:
        assert 1 <= finding.line <= text.count("\n") + 1


@settings(deadline=None)  # a dozen readings of a text, on whatever machine
@given(TEXTS)
def test_repairs_never_make_a_text_worse_and_know_when_they_are_done(text: str) -> None:
    before = lint(Source(text), OPTIONS)

    repaired = fix(Source(text), OPTIONS)

    after = lint(repaired, OPTIONS)
    if not before.is_readable:
        assert repaired.text == text
        return
    assert after.is_readable
    assert len(after.findings) <= len(before.findings)
    assert fix(repaired, OPTIONS).text == repaired.text


@settings(deadline=None, max_examples=40)
@given(TEXTS)
def test_unsafe_repairs_neither(text: str) -> None:
    options = replace(OPTIONS, installed=INSTALLED)
    before = lint(Source(text), options)

    repaired = fix(Source(text), options, unsafe=True)

    after = lint(repaired, options)
    assert after.is_readable or repaired.text == text
    assert len(after.findings) <= len(before.findings)
    assert fix(repaired, options, unsafe=True).text == repaired.text


@pytest.mark.needs("shellcheck")
@settings(deadline=None, max_examples=8)  # each asks ShellCheck a few times
@given(st.one_of(_WHOLE, _MADE_UP), st.booleans())
def test_quotes_neither(text: str, unsafe: bool) -> None:
    options = Options()
    before = lint(Source(text), options)

    repaired = fix(Source(text), options, unsafe=unsafe)

    after = lint(repaired, options)
    assert after.is_readable or repaired.text == text
    assert len(after.findings) <= len(before.findings)
    assert fix(repaired, options, unsafe=unsafe).text == repaired.text


@settings(deadline=None)
@given(TEXTS)
def test_repairs_keep_comments_and_line_ends(text: str) -> None:
    repaired = fix(Source(text), OPTIONS)

    assert _comments(repaired.text) == _comments(text)
    if "\r\n" in text and "\n" not in text.replace("\r\n", ""):
        assert "\n" not in repaired.text.replace("\r\n", "")


@settings(deadline=None)
@given(_WHOLE)
def test_lines_without_findings_stay_to_the_byte(text: str) -> None:
    source = Source(text)
    lines = {finding.line for finding in lint(source, OPTIONS).findings}
    wrong = {
        number
        for statement in lex(source).items
        for first, last in [source.lines_of(statement.span)]
        if first in lines
        # A RUN in front may be joined to the one behind it, which is where that was found.
        for number in range(first - 3, last + 1)
    }
    before = text.split("\n")
    after = fix(source, OPTIONS).text.split("\n")
    for kind, start, end, _, _ in SequenceMatcher(None, before, after, False).get_opcodes():
        if kind != "equal":
            assert {number for number in range(start + 1, end + 1) if before[number - 1]} <= wrong


def _comments(text: str) -> list[str]:
    """Those inside of instructions too."""
    lines = (line.strip() for line in text.split("\n"))
    return [line for line in lines if line.startswith("#")]
