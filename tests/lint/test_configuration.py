"""Where settings come from, and how they add up."""

from pathlib import Path

import pytest

from wherry.lint.configuration import (
    InvalidConfiguration,
    NoConfiguration,
    find_file,
    read_environment,
    read_file,
)
from wherry.lint.finding import Level
from wherry.lint.options import LabelType
from wherry.lint.settings import Settings

FULL = """
ignored: [DL3006, SC2086]
override:
  error: [DL3003]
  style: [DL3003, DL3008]
trustedRegistries:
  - docker.io
label-schema: {maintainer: email, other: text}
strict-labels: true
no-fail: false
failure-threshold: none
format: json
unknown: [1, {a: b}]
"""


def _file(folder: Path, text: str) -> str:
    path = folder / "hadolint.yaml"
    path.write_text(text)
    return str(path)


def test_a_file_says_everything(tmp_path: Path) -> None:
    settings = read_file(_file(tmp_path, FULL))

    assert settings.ignored == ("DL3006", "SC2086")
    assert settings.labels == {"maintainer": LabelType.EMAIL, "other": LabelType.TEXT}
    assert (settings.strict_labels, settings.no_fail, settings.no_color) == (True, False, None)
    assert settings.formats == ("json",)
    assert settings.threshold is Level.IGNORE
    options = settings.options()
    # An error wins over a style, whatever their order.
    assert options.levels == {"DL3003": Level.ERROR, "DL3008": Level.STYLE}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ignored: DL3006", "expected !!seq instead of !!str"),
        ("no-fail: yes", "expected !!bool instead of !!str"),
        ("no-fail: 'true'", "expected !!bool instead of !!str"),
        ("failure-threshold: bad", "Invalid severity: bad"),
        ("override: [a]", "expected !!map instead of !!seq"),
        ("label-schema: {a: number}", "invalid label type: number"),
        ("format: csv", "unknown format csv"),
        ("", "empty YAML stream"),
        ("a: [", "while parsing a flow node"),
        ("a: &x [*x]", "a value contains itself"),
        ("ignored: [true]", "expected !!str instead of !!bool"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        read_file(_file(tmp_path, text))
    assert problem in caught.value.message


def test_aliases_cost_no_more_than_they_are_long(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
    assert read_file(_file(tmp_path, "\n".join(lines))) == Settings(
        overrides={level: () for level in Level if level is not Level.IGNORE}
    )


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NoConfiguration):
        read_file(str(tmp_path / "none.yaml"))


def test_the_first_file_of_the_search_counts(tmp_path: Path) -> None:
    home, here, xdg = (tmp_path / name for name in ("home", "here", "xdg"))
    environ = {"HOME": str(home)}
    places = [
        here / ".hadolint.yaml",
        here / ".hadolint.yml",
        home / ".config/hadolint.yaml",
        home / ".hadolint/hadolint.yml",
        home / ".hadolint/config.yaml",
        home / ".hadolint.yml",
    ]
    for place in reversed(places):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("ignored: []")
        assert find_file(environ, str(here)) == str(place)
    (here / ".hadolint.yaml").unlink()
    (here / ".hadolint.yml").unlink()
    xdg.mkdir()
    (xdg / "hadolint.yaml").write_text("ignored: []")
    assert find_file({**environ, "XDG_CONFIG_HOME": str(xdg)}, str(here)) == f"{xdg}/hadolint.yaml"
    assert find_file({}, str(tmp_path)) is None


def test_the_environment_is_weaker_than_flags_and_lists_are_joined() -> None:
    environment = read_environment(
        {
            "HADOLINT_IGNORE": "DL3006, DL3007",
            "HADOLINT_NOFAIL": "Yes",
            "HADOLINT_STRICT_LABELS": "perhaps",
            "HADOLINT_FAILURE_THRESHOLD": "error",
            "HADOLINT_REQUIRE_LABELS": "a:semver,b:nonsense",
            "HADOLINT_OVERRIDE_INFO": "DL3001",
            "HADOLINT_FORMAT": "json,nonsense",
            "NO_COLOR": "",
        }
    )
    assert environment.ignored == ("DL3006", " DL3007")
    assert environment.labels == {"a": LabelType.SEMVER}
    assert (environment.no_fail, environment.strict_labels) == (True, None)
    assert environment.no_color is True
    flags = Settings(ignored=("DL1",), threshold=Level.STYLE, no_fail=False, formats=("tty",))
    together = environment.under(flags)
    assert together.ignored == ("DL3006", " DL3007", "DL1")
    assert (together.threshold, together.no_fail) == (Level.STYLE, False)
    assert together.formats == ("json", "tty")
    assert together.overrides[Level.INFO] == ("DL3001",)
