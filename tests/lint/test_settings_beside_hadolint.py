"""hadolint's configuration, case by case: files, keys, environment, flags, and what outdoes what.

Each case is a folder, an environment and flags; both programs must find the same and exit alike.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lint.hadolint import HADOLINT

pytestmark = pytest.mark.needs("hadolint")
WHERRY = Path(sys.executable).parent / "wherry"  # at a third of what -m takes to start
TEXT = """\
FROM registry.example.com/app
LABEL maintainer="me" version="1.2" url="x y"
# hadolint ignore=DL3003
RUN cd /srv && apt-get install -y curl
RUN sudo make
"""
MALFORMED = "FROM debian:12\nFRM x\n"
Files = dict[str, str]
CASES: dict[str, tuple[Files, dict[str, str], tuple[str, ...]]] = {
    "nothing said": ({}, {}, ()),
    # where the file is looked for
    "yaml here": ({".hadolint.yaml": "ignored: [DL3004]"}, {}, ()),
    "yml here": ({".hadolint.yml": "ignored: [DL3004]"}, {}, ()),
    "yaml before yml": (
        {".hadolint.yml": "ignored: [DL3006]", ".hadolint.yaml": "ignored: [DL3004]"},
        {},
        (),
    ),
    "config home": ({"xdg/hadolint.yaml": "ignored: [DL3004]"}, {"XDG_CONFIG_HOME": "{}/xdg"}, ()),
    ".config": ({"home/.config/hadolint.yaml": "ignored: [DL3004]"}, {}, ()),
    "home folder": ({"home/.hadolint/hadolint.yaml": "ignored: [DL3004]"}, {}, ()),
    "home config": ({"home/.hadolint/config.yml": "ignored: [DL3004]"}, {}, ()),
    "home file": ({"home/.hadolint.yaml": "ignored: [DL3004]"}, {}, ()),
    "-c": (
        {"a.yaml": "ignored: [DL3004]", ".hadolint.yaml": "no-fail: true"},
        {},
        ("-c", "a.yaml"),
    ),
    "-c without a file": ({}, {}, ("-c", "missing.yaml")),
    # its keys
    "override": (
        {".hadolint.yaml": "override: {error: [DL3006], info: [DL3004], style: [DL3008]}"},
        {},
        (),
    ),
    "the worst override wins": (
        {".hadolint.yaml": "override: {error: [DL3006], style: [DL3006]}"},
        {},
        (),
    ),
    "ignored beats override": (
        {".hadolint.yaml": "ignored: [DL3006]\noverride: {error: [DL3006]}"},
        {},
        (),
    ),
    "trusted registries": ({".hadolint.yaml": "trustedRegistries: ['*.example.com']"}, {}, ()),
    "other registries": ({".hadolint.yaml": "trustedRegistries: [docker.io]"}, {}, ()),
    "label schema": (
        {".hadolint.yaml": "label-schema: {maintainer: email, version: semver, url: url, a: text}"},
        {},
        (),
    ),
    "strict labels": (
        {".hadolint.yaml": "label-schema: {maintainer: text}\nstrict-labels: true"},
        {},
        (),
    ),
    "no pragmas": ({".hadolint.yaml": "disable-ignore-pragma: true"}, {}, ()),
    "no fail": ({".hadolint.yaml": "no-fail: true"}, {}, ()),
    "threshold": (
        {".hadolint.yaml": "failure-threshold: error\nignored: [DL3004]"},
        {},
        (),
    ),
    "unknown keys": ({".hadolint.yaml": "nonsense: 1\nignored: [DL3004]"}, {}, ()),
    "a wrong type drops the file": (
        {".hadolint.yaml": "ignored: [DL3004]\nno-fail: yes"},
        {},
        (),
    ),
    "no YAML drops the file": ({".hadolint.yaml": "ignored: ["}, {}, ()),
    # the environment
    "HADOLINT_NOFAIL": ({}, {"HADOLINT_NOFAIL": "on"}, ()),
    "HADOLINT_NOFAIL without sense": ({}, {"HADOLINT_NOFAIL": "perhaps"}, ()),
    "HADOLINT_IGNORE": ({}, {"HADOLINT_IGNORE": "DL3004,DL3006, DL3008"}, ()),
    "HADOLINT_OVERRIDE": (
        {},
        {"HADOLINT_OVERRIDE_STYLE": "DL3004", "HADOLINT_OVERRIDE_ERROR": "DL3015"},
        (),
    ),
    "HADOLINT_TRUSTED_REGISTRIES": ({}, {"HADOLINT_TRUSTED_REGISTRIES": "a.com,b.com"}, ()),
    "HADOLINT_REQUIRE_LABELS": (
        {},
        {"HADOLINT_REQUIRE_LABELS": "maintainer:email,b:text", "HADOLINT_STRICT_LABELS": "1"},
        (),
    ),
    "HADOLINT_DISABLE_IGNORE_PRAGMA": ({}, {"HADOLINT_DISABLE_IGNORE_PRAGMA": "Yes"}, ()),
    "HADOLINT_FAILURE_THRESHOLD": (
        {},
        {"HADOLINT_FAILURE_THRESHOLD": "error", "HADOLINT_IGNORE": "DL3004"},
        (),
    ),
    "an invalid threshold": ({}, {"HADOLINT_FAILURE_THRESHOLD": "worst"}, ()),
    # what outdoes what
    "lists are joined": (
        {".hadolint.yaml": "ignored: [DL3004]"},
        {"HADOLINT_IGNORE": "DL3006"},
        ("--ignore", "DL3008"),
    ),
    "the file outdoes the environment": (
        {".hadolint.yaml": "failure-threshold: style"},
        {"HADOLINT_FAILURE_THRESHOLD": "none"},
        (),
    ),
    "a flag outdoes the file": (
        {".hadolint.yaml": "failure-threshold: style"},
        {},
        ("-t", "none", "--ignore", "DL3004"),
    ),
    "flags": (
        {},
        {},
        (
            *("--warning", "DL3015", "--style", "DL3004", "--info", "DL1001", "--strict-labels"),
            *("--require-label", "version:semver", "--trusted-registry", "x", "--error", "DL3057"),
        ),
    ),
    "what cannot be read": ({"Dockerfile": MALFORMED}, {}, ("--ignore", "DL1000", "-t", "none")),
}


@pytest.mark.parametrize("name", CASES)
def test_settings_mean_what_they_mean_to_hadolint(tmp_path: Path, name: str) -> None:
    files, environ, flags = CASES[name]
    for path, text in {"Dockerfile": TEXT, "home/x": "", **files}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    environ = {key: value.format(tmp_path) for key, value in environ.items()}

    theirs = _run([HADOLINT], tmp_path, environ, flags)
    ours = _run([WHERRY, "lint"], tmp_path, environ, flags)

    assert ours == theirs


def _run(
    program: list[str | Path], folder: Path, environ: dict[str, str], flags: tuple[str, ...]
) -> tuple[int, list[tuple[str, int, str]]]:
    """The exit status, and code, line and level of each finding; those of ShellCheck aside."""
    result = subprocess.run(
        [*program, "-f", "json", *flags, "Dockerfile"],
        cwd=folder,
        env={"HOME": f"{folder}/home", "PATH": "", "LC_ALL": "C.UTF-8", **environ},
        capture_output=True,
        check=False,
    )
    found = json.loads(result.stdout or "[]")
    places = {(item["code"], item["line"], item["level"]) for item in found}
    return result.returncode, sorted(place for place in places if place[0].startswith("DL"))
