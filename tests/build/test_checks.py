"""What a build says of its Dockerfile, and what fails it before anything runs."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.conftest import Files
from wherry.testing.command import Wherry

Context = Callable[[Files], Path]
TEXT = "FROM busybox\nRUN true\nCMD echo hi\n"
SHORT = (
    "JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior"
    " related to OS signals (line 3)"
)


def test_a_build_ends_with_what_the_checks_find(builder: Wherry, context: Context) -> None:
    folder = str(context({"Dockerfile": TEXT}))
    for _ in range(2):  # the second is all in the cache
        told = builder("build", folder).stderr
        assert told.endswith(f"\n\n 1 warning found (use --debug to expand):\n - {SHORT}\n")

    assert "More info: https://docs.docker.com/go/" in builder("--debug", "build", folder).stderr
    assert builder("build", "-q", folder).stderr == ""

    raw = builder("build", "--progress=rawjson", folder).stderr.splitlines()
    (warnings,) = [
        document["warnings"] for document in map(json.loads, raw) if "warnings" in document
    ]
    assert [base64.b64decode(each["short"]).decode() for each in warnings] == [SHORT]


@pytest.mark.parametrize(
    ("directive", "argument", "complaint"),
    [
        ("error=true", "", "lint violation found for rules: JSONArgsRecommended"),
        ("skip=all", "error=true", "lint violation found for rules: JSONArgsRecommended"),
        ("error=true", "skip=JSONArgsRecommended;error=true", ""),
        ("error=true;skip=all", "", ""),
        ("eror=true", "", 'invalid check option "eror"'),
    ],
)
def test_checks_may_fail_a_build_before_a_step_runs(
    directive: str, argument: str, complaint: str, builder: Wherry, context: Context
) -> None:
    text = f"# check={directive}\nFROM busybox\nRUN echo has run\nCMD echo hi\n"
    words = ["--build-arg", f"BUILDKIT_DOCKERFILE_CHECK={argument}"] if argument else []

    built = builder(
        "build", "--progress=plain", *words, str(context({"Dockerfile": text})), check=False
    )

    assert built.returncode == (1 if complaint else 0)
    assert ("[2/2] RUN" in built.stderr) is not bool(complaint)
    if complaint:
        assert f"   1 | >>> # check={directive}\n" in built.stderr
        assert built.stderr.endswith(f"ERROR: failed to build: failed to solve: {complaint}\n")
    else:
        assert "warning" not in built.stderr


def test_a_tag_that_stays_stops_a_build_before_a_step_runs(
    builder: Wherry, context: Context
) -> None:
    folder = context({"Dockerfile": "FROM busybox\nRUN echo has run\n"})
    builder("build", "-q", "-t", "kept:1", str(folder))
    builder("tag", "--lock", "kept:1")
    try:
        builder("build", "-q", "-t", "kept:1", str(folder))  # the same image once more
        context({"Dockerfile": "FROM busybox\nRUN echo runs again\n"})

        refused = builder("build", "-t", "kept:1", str(folder), check=False)

        assert refused.returncode == 1
        assert "tag kept:1 is locked to image" in refused.stderr
        assert "runs again\n" not in refused.stderr.replace("RUN echo runs again", "")
    finally:
        builder("tag", "--unlock", "kept:1")
