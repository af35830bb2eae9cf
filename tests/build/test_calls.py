"""`build --check` and `--call`: the texts and documents of BuildKit's subrequests."""

import base64
import json
from pathlib import Path

import pytest

from wherry.testing.command import Wherry

TEXT = """\
ARG inherited=box
ARG inherited2=box2
ARG unused=abc${inherited2}
# sfx is a suffix
ARG sfx="usy${inherited}"

FROM b${sfx} AS first
# this is not assigned to anything
ARG FOO=123
# BAR is a number
ARG BAR=456
RUN --mount=type=secret,target=/etc/passwd,required=true --mount=type=ssh true

FROM alpine${unused} AS second
ARG BAZ
RUN --mount=type=secret,id=unused --mount=type=ssh,id=ssh2 true

FROM scratch AS third
ARG ABC=a
RUN --mount=type=secret,id=second${ABC} true

# target defines build target
FROM third AS target
COPY --from=first /etc/passwd /
RUN --mount=type=ssh,id=ssh3,required true

FROM second
"""


@pytest.fixture
def command(tmp_path: Path) -> Wherry:
    return Wherry(tmp_path / "root", tmp_path / "run")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(TEXT)
    return tmp_path


def test_an_outline_has_what_the_target_can_be_given(command: Wherry, folder: Path) -> None:
    shown = command("build", "--call=outline", "--target=target", str(folder)).stdout

    assert [line.rstrip() for line in shown.splitlines()] == [
        "TARGET:      target",
        "DESCRIPTION: defines build target",
        "",
        "BUILD ARG   VALUE    DESCRIPTION",
        "inherited   box",
        "sfx         usybox   is a suffix",
        "FOO         123",
        "BAR         456      is a number",
        "ABC         a",
        "",
        "SECRET    REQUIRED",
        "passwd    true",
        "seconda",
        "",
        "SSH       REQUIRED",
        "default",
        "ssh3      true",
        "",
    ]


def test_an_outline_as_json_has_places_and_given_values(command: Wherry, folder: Path) -> None:
    words = ("--call=outline,format=json", "--build-arg=ABC=z", "--target=third")
    document = json.loads(command("build", *words, str(folder)).stdout)

    assert base64.b64decode(document.pop("sources")[0]).decode() == TEXT
    place = {"ranges": [{"start": {"line": 20}, "end": {"line": 20}}]}
    assert document == {
        "name": "third",
        "args": [
            {
                "name": "ABC",
                "value": "z",
                "location": {"ranges": [{"start": {"line": 19}, "end": {"line": 19}}]},
            }
        ],
        "secrets": [{"name": "secondz", "location": place}],
    }


def test_targets_are_the_stages_with_what_comments_say(command: Wherry, folder: Path) -> None:
    assert command("build", "--call=targets", str(folder)).stdout.splitlines() == [
        "TARGET    DESCRIPTION",
        "first     ",
        "second    ",
        "third     ",
        "target    defines build target",
        "(default) ",
    ]
    document = json.loads(command("build", "--call=targets,format=json", str(folder)).stdout)
    assert [target.get("base") for target in document["targets"]] == [
        *("b${sfx}", "alpine${unused}", "scratch", "third", "second")
    ]
    assert [target.get("default", False) for target in document["targets"]] == [False] * 4 + [True]


SHOWN = """\
Check complete, 1 warning has been found!

WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
Dockerfile:2
--------------------
   1 |     FROM scratch
   2 | >>> CMD run
   3 |{blank}
--------------------
""".replace("{blank}", " " * 5)


def test_a_check_tells_what_it_finds_and_fails(command: Wherry, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\nCMD run\n")

    found = command("build", "--check", str(folder), check=False)
    told = command("build", "--call=check,ignorestatus=true,format=json", str(folder))

    assert (found.returncode, found.stdout) == (1, SHOWN)
    (warning,) = json.loads(told.stdout)["warnings"]
    assert warning["ruleName"] == "JSONArgsRecommended"
    assert warning["location"] == {"ranges": [{"start": {"line": 2}, "end": {"line": 2}}]}
    assert command("images", "-aq").stdout == ""


def test_a_check_knows_the_platforms_of_images_that_are_here(command: Wherry, folder: Path) -> None:
    command("bootstrap", "busybox")
    (folder / "Dockerfile").write_text("FROM --platform=linux/s390x busybox\n")

    told = command("build", "--call=check,ignorestatus=true,format=json", str(folder))

    names = {warning["ruleName"] for warning in json.loads(told.stdout)["warnings"]}
    assert names == {"FromPlatformFlagConstDisallowed", "InvalidBaseImagePlatform"}


def test_a_check_that_finds_nothing_says_so(command: Wherry, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\n")

    checked = command("build", "--call", "check", str(folder))

    assert checked.stdout == "Check complete, no warnings found.\n"


def test_a_check_of_what_is_no_dockerfile_shows_where(command: Wherry, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\nRUNS x\n")

    checked = command("build", "--check", str(folder), check=False)

    assert checked.returncode == 1
    assert checked.stderr.startswith("Dockerfile:2:1\n")
    assert checked.stderr.endswith(
        "ERROR: dockerfile parse error on line 2: unknown instruction: RUNS (did you mean RUN?)\n"
    )


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ("nonsense", 'invalid value "nonsense" for --call: one of build, check, outline, targets'),
        ("check,outline", "invalid print value: check,outline"),
        ("check,x=1", "invalid print field: x=1"),
    ],
)
def test_a_call_that_is_none_is_refused(
    call: str, complaint: str, command: Wherry, folder: Path
) -> None:
    refused = command("build", "--call", call, str(folder), check=False)

    assert refused.returncode == 1
    assert complaint in refused.stderr
