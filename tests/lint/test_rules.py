"""The table of rules, and each rule by the examples of its own page."""

import re
from pathlib import Path

import pytest

import wherry.lint.checks
import wherry.lint.insights
import wherry.lint.rules
from wherry.dockerfile.ignorefile import parse_ignore_file
from wherry.dockerfile.source import Source
from wherry.lint.catalogue import CHECKS, INSIGHTS, load_all, load_checks, load_rules
from wherry.lint.catalogue import RULES as TABLE
from wherry.lint.finding import Level
from wherry.lint.linter import check_for_build, lint
from wherry.lint.options import LabelType, Options
from wherry.lint.pages import docstring, explain_rule, list_rules, title
from wherry.lint.rule import Rule
from wherry.lint.surroundings import Churn, Moved, Surroundings, Taken
from wherry.values import replace

RULES = load_all()
TAKEN = Taken(size=2 * 10**9, largest="data/", largest_size=10**9, secrets=("id_rsa",))
CHURN = Churn(versions=4, costly="RUN npm ci", seconds=48)
KNOWN = {
    "Dockerfile": Surroundings(
        churns={2: CHURN},
        taken={1: TAKEN},
        moved={0: Moved(before="0123456789ab", now="ba9876543210")},
        platforms={0: "linux/s390x"},
        platform="linux/amd64",
    )
}
"""What the engine would know of the bad examples, by the numbers of their steps."""
SCHEMA = re.compile(r"label-schema: \{(\w+): (\w+)\}")


def _options(rule: Rule, introduction: str) -> Options:
    """What the line above the bad example says is asked for."""
    schema = SCHEMA.search(introduction)
    return Options(
        levels={rule.code: Level.ERROR},
        labels={schema[1]: LabelType(schema[2])} if schema else {},
        strict_labels="strict-labels" in introduction,
        trusted_registries=("docker.io",) if "docker.io trusted" in introduction else (),
        shellcheck=False,
        checks=True,
        ignore_file=parse_ignore_file(b"*.log") if "*.log" in introduction else None,
    )


def _examples(rule: Rule) -> tuple[str, str, Options]:
    match = re.search(r"^(Bad.*:)\n\n(.*?)\n\nGood:\n\n(.*)\Z", docstring(rule), re.M | re.S)
    assert match is not None, rule.code
    bad, good = (re.sub(r"(?m)^    ", "", text) for text in (match[2], match[3]))
    if directive := re.search(r"`(# check=.*?)`", match[1]):
        bad, good = f"{directive[1]}\n{bad}", f"{directive[1]}\n{good}"
    return f"{bad}\n", f"{good}\n", _options(rule, match[1])


def _codes(text: str, options: Options) -> set[str]:
    return {finding.code for finding in lint(Source(text), options).findings}


FOLDERS = (
    (wherry.lint.rules, TABLE),
    (wherry.lint.checks, CHECKS),
    (wherry.lint.insights, INSIGHTS),
)


def test_the_folder_and_the_table_agree() -> None:
    for package, names in FOLDERS:
        modules = Path(package.__file__ or "").parent.glob("[!_]*.py")
        assert sorted(path.stem for path in modules) == sorted(names)
    assert [rule.code.lower() for rule in load_rules()] == list(TABLE)
    codes = [rule.code.lower() for rule in load_checks()]
    assert codes == [name.replace("_", "") for name in CHECKS]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_catches_its_bad_example_and_not_its_good_one(rule: Rule) -> None:
    bad, good, options = _examples(rule)

    assert rule.code in _codes(bad, replace(options, surroundings=KNOWN))
    assert rule.code not in _codes(good, options)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_explains_itself(rule: Rule) -> None:
    assert title(rule).endswith(".")
    assert explain_rule(rule.code.lower()).startswith(f"{rule.code} ({rule.level.value})\n\n")
    assert title(rule) in list_rules()


def test_levels_are_hadolints_own() -> None:
    counts = {level: sum(rule.level is level for rule in RULES) for level in Level}
    assert counts[Level.STYLE] == 1
    assert {rule.code for rule in RULES if rule.level is Level.IGNORE} == {
        "DL1001",
        "DL3057",
        "WH1005",
    }


def test_builds_ask_for_buildkits_checks_alone() -> None:
    source = Source("FROM debian as x\nCOPY a.log b.txt /\nCMD a\n")

    report = check_for_build(source, parse_ignore_file("*.log"))

    found = ["FromAsCasing", "CopyIgnoredFile", "JSONArgsRecommended"]
    assert [finding.code for finding in report.findings] == found
    assert source.slice(report.findings[1].span) == "a.log"


@pytest.mark.parametrize(
    ("ignored", "text", "found"),
    [
        (".*", "COPY . .", []),  # the context is no file that a pattern leaves out
        ("*", "COPY . .", [2]),
        ("**/*", "COPY ./ .", [2]),
        ("*.log\n!b.log", "COPY a.log .", []),  # what is taken back is too hard to tell
        ("a", "COPY --from=x a /\nADD a /b", [3]),
    ],
)
def test_copies_of_what_the_ignore_file_leaves_out(
    ignored: str, text: str, found: list[int]
) -> None:
    report = check_for_build(Source(f"FROM debian\n{text}\n"), parse_ignore_file(ignored))
    assert [one.line for one in report.findings if one.code == "CopyIgnoredFile"] == found


def test_secrets_are_told_by_names_that_say_so() -> None:
    names = "PASSWORD API_KEY my_Token PUBLIC_KEY PASSWORD_FILE AUTH_VERSION keyboard"
    text = "FROM debian\n" + "".join(f"ARG {name}\n" for name in names.split())
    found = [one.line for one in check_for_build(Source(text)).findings]
    assert found == [2, 3, 4]
