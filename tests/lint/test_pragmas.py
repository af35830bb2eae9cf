"""What comments can say to the linter."""

import pytest

from wherry.dockerfile.source import Source
from wherry.lint.finding import Level
from wherry.lint.linter import lint
from wherry.lint.options import Options


def _found(text: str, options: Options = Options(shellcheck=False)) -> list[str]:  # noqa: B008
    return [f"{f.code}@{f.line}" for f in lint(Source(text), options).findings]


@pytest.mark.parametrize(
    ("comment", "is_heeded"),
    [
        ("# hadolint ignore=DL3003", True),
        ("#hadolint ignore=DL3003", True),
        ("#  hadolint  ignore = DL3003 , DL3008  # because", True),
        ("# hadolint ignore=DL3003,SC2046", True),
        ("# hadolint ignore=DL3003 because", False),
        ("# hadolint ignore=dl3003", False),
        ("# hadolint ignore=DL3003,X1", False),
        ("# Hadolint ignore=DL3003", False),
        ("# hadolint ignore=DL3003\n", False),
        ("# hadolint ignore=DL3003\n# in between", False),
    ],
)
def test_a_pragma_speaks_of_the_next_line(comment: str, is_heeded: bool) -> None:
    found = _found(f"FROM a:1\n{comment}\nRUN cd /x\n")
    assert ("DL3003" not in " ".join(found)) is is_heeded


def test_a_pragma_inside_an_instruction_is_a_comment() -> None:
    text = "FROM a:1\nRUN a \\\n# hadolint ignore=DL3003\n && cd /x\n"
    assert _found(text) == ["DL3003@2"]


def test_a_stage_and_a_whole_file_can_be_spoken_of() -> None:
    stage = "# hadolint stage ignore=DL3003\nFROM a:1\nRUN cd /x\nFROM b:1\nRUN cd /x\n"
    assert _found(stage) == ["DL3003@5"]
    assert _found("FROM a:1\nRUN cd /x\n# hadolint global ignore=DL3003\n") == []


def test_pragmas_can_be_turned_off_and_told_of() -> None:
    text = "FROM a:1\n# hadolint ignore=DL3003\nRUN cd /x\n"
    assert _found(text, Options(heed_pragmas=False, shellcheck=False)) == ["DL3003@3"]
    assert _found(text, Options(levels={"DL1001": Level.INFO}, shellcheck=False)) == ["DL1001@2"]


def test_a_check_directive_speaks_of_buildkits_checks() -> None:
    options = Options(checks=True, rules=False, shellcheck=False)
    text = "from a:1 AS X\nCMD a\n"
    both = ["FromAsCasing@1", "StageNameCasing@1", "JSONArgsRecommended@2"]
    assert _found("FROM a:1 as X\nCMD a\n", options) == ["FromAsCasing@1", *both[1:]]
    assert _found(f"# check=skip=all\n{text}", options) == []
    text = "# check=skip=StageNameCasing;error=true\nFROM a:1 AS X\nCMD a\n"
    report = lint(Source(text), options)
    assert [(f.code, f.level) for f in report.findings] == [("JSONArgsRecommended", Level.ERROR)]
    assert _found("FROM a:1\n# check=skip=JSONArgsRecommended\nCMD a\n", options) == []
