"""Ignore files decide as the plain reading of their rules, one by one, does."""

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.strategies import IGNORE_FILES, PATHS
from wherry.dockerfile.ignorefile import IgnoreFile, parse_ignore_file


def plainly(rules: IgnoreFile, path: str) -> bool:
    """patternmatcher's walk: each rule by itself, each folder from the top."""
    inherited = [False] * len(rules.rules)
    ignored = False
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        here = "/".join(parts[:depth])
        ignored = False
        for index, rule in enumerate(rules.rules):
            match = inherited[index]
            if not match and rule.includes == ignored:
                match = rule.pattern.matches(here)
            inherited[index] = match
            if match:
                ignored = not rule.includes
    return ignored


@given(IGNORE_FILES, PATHS)
def test_grouped_rules_decide_as_single_ones(text: str, path: str) -> None:
    rules = parse_ignore_file(text)
    assert rules.decide(path).ignored == plainly(rules, path)


@given(IGNORE_FILES, PATHS)
def test_the_rule_named_is_one_that_says_so(text: str, path: str) -> None:
    verdict = parse_ignore_file(text).decide(path)
    if verdict.rule is None:
        assert not verdict.ignored
    else:
        assert verdict.ignored == (not verdict.rule.includes)


@given(IGNORE_FILES, PATHS, st.lists(PATHS, max_size=5))
def test_nothing_is_included_below_a_folder_that_holds_nothing(
    text: str, folder: str, below: list[str]
) -> None:
    rules = parse_ignore_file(text)
    if not rules.decide(folder).may_hold_included:
        assert all(rules.decide(f"{folder}/{path}").ignored for path in below)
