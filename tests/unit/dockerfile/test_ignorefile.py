"""Ignore files, case by case as patternmatcher decides them."""

import pytest

from wherry.dockerfile.ignore_patterns import clean
from wherry.dockerfile.ignorefile import InvalidIgnoreFile, parse_ignore_file


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        ("**", "f", True),
        ("**/", "d/f", True),
        ("*", ".f", True),
        ("*", "d/f", True),  # with its folder
        ("d/**", "d", False),
        ("d/**", "d/e/f", True),
        ("**/d", "d", True),
        ("**/d", "x/d/f", True),
        ("**/d", "xd", False),
        ("**d", "xd", True),
        ("**d", "x/yd", True),
        ("**d*", "xd1", False),
        ("**/f*.txt", "a/b/f1.txt", True),
        ("a**/*.txt", "a/b/c/f.txt", True),
        ("a/*.txt", "a/b/f.txt", False),
        ("a[b-d]e", "ace", True),
        ("a[^b-d]e", "ace", False),
        ("a[^b-d]e", "aze", True),
        ("a?b", "a/b", False),
        ("a?b", "aéb", True),
        ("a.c", "abc", False),
        ("a(b)|+{}$", "a(b)|+{}$", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("/a/b/", "a/b", True),
        ("./a/../b", "b", True),
        ("  a  ", "a", True),
        ("#a", "#a", False),
        ("\\#a", "#a", True),
        ("docs\n!docs/README.md", "docs/README.md", False),
        ("docs\n!docs/README.md", "docs/x.md", True),
        ("docs\n! docs/README.md", "docs/README.md", False),
        ("!f\n*.go\n", "f.go", True),
        ("*.go\n!f.go", "f.go", False),
        ("**\n!a/b\na/b/c", "a/b/c", True),
        ("**\n!a/b\na/b/c", "a/b/d", False),
        ("\ufeffa\r\nb", "a", True),
        # A folder's match stays with its rule: the third has no say about what is in it.
        ("a\n!a/b\na", "a/b", False),
    ],
)
def test_a_path_is_ignored_or_not(rules: str, path: str, ignored: bool) -> None:
    assert parse_ignore_file(rules.encode()).decide(path).ignored is ignored


@pytest.mark.parametrize("rule", ["[", "a[", "[]a]", "[-x]", "[x-]", "[z-a]", "a\\", "!", "! "])
def test_a_malformed_rule_is_refused_with_its_line(rule: str) -> None:
    with pytest.raises(InvalidIgnoreFile, match=r"^\.dockerignore:2: "):
        parse_ignore_file(f"a\n{rule}\n")


def test_a_decision_names_its_rule() -> None:
    rules = parse_ignore_file("# comment\nvendor\n\n!vendor/keep\n*.o\n")

    def rule(path: str) -> tuple[int, str] | None:
        found = rules.decide(path).rule
        return (found.line, found.text) if found else None

    assert rule("src") is None
    assert rule("vendor/a/b") == (2, "vendor")
    assert rule("vendor/keep/x") == (4, "!vendor/keep")
    assert rule("x.o") == (5, "*.o")


@pytest.mark.parametrize(
    ("rules", "folder", "expected"),
    [
        ("vendor", "vendor", False),
        ("vendor\n!vendor/a/b", "vendor", True),
        ("vendor\n!vendor/a/b", "vendor/a", True),
        ("vendor\n!vendor/a/b", "vendor/c", False),
        ("vendor\n!*.md", "vendor", False),
        ("vendor\n!**/*.md", "vendor", True),
        ("vendor\n!v*/x", "vendor", True),
        ("!vendor/a\nvendor", "vendor", False),
        ("x", "vendor", True),
    ],
)
def test_a_folder_without_anything_to_include_is_known(
    rules: str, folder: str, expected: bool
) -> None:
    assert parse_ignore_file(rules).decide(folder).may_hold_included is expected


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [("", "."), ("a//b/", "a/b"), ("./a", "a"), ("a/../..", ".."), ("/..", "/"), ("//a", "/a")],
)
def test_paths_are_cleaned_as_go_does(path: str, cleaned: str) -> None:
    assert clean(path) == cleaned
