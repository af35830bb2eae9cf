"""Builds that are all in the cache: the launcher does them, and nobody can tell but by the time."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.conftest import Files
from wherry.testing.command import Wherry
from wherry.testing.waiting import eventually

Context = Callable[[Files], Path]

FILES: Files = {
    "Dockerfile": """\
FROM busybox AS one
RUN echo 1 > /1
FROM busybox
COPY --from=one /1 /
COPY src /
""",
    "src/file": "text",
}


@pytest.fixture
def built(builder: Wherry, context: Context) -> Path:
    """A folder that was built, by a client with a launcher that holds the builder now."""
    folder = context(FILES)
    builder("build", "-q", str(folder))
    eventually(lambda: is_done_elsewhere(builder, str(folder)), what="the launcher has it loaded")
    return folder


def is_done_elsewhere(wherry: Wherry, *words: str) -> bool:
    """Whether a build succeeds in a client that loads no engine."""
    command = wherry.command("build", "-q", *words)
    command[1:1] = ["-X", "importtime"]
    result = subprocess.run(command, env=wherry.environment, capture_output=True, check=True)
    return b"wherry.engine" not in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        "--progress=plain -t name -t name:2",
        "-q --iidfile /dev/stdout",
        "--progress=plain --metadata-file /dev/stdout",
        "--target one -q",
    ],
)
def test_the_launcher_changes_nothing_but_the_time(
    words: str, builder: Wherry, built: Path
) -> None:
    there = builder("build", *words.split(), str(built))
    here = builder("build", *words.split(), str(built), WHERRY_LAUNCHER="off")

    assert is_done_elsewhere(builder, *words.split(), str(built))
    assert (there.stdout, there.stderr) == (here.stdout, here.stderr)


def test_what_begins_again_does_not_ask_the_launcher_again(builder: Wherry, built: Path) -> None:
    command = builder.command("build", "-q", str(built))
    command[1:1] = ["-X", "importtime", "-X", "sealed"]

    again = subprocess.run(command, env=builder.environment, capture_output=True, check=True)

    assert b"wherry.engine" in again.stderr


@pytest.mark.parametrize(
    "change",
    [
        {"src/file": "other"},
        {"Dockerfile": "FROM busybox\nRUN false\n"},
        {"Dockerfile": "FROM busybox\nRUNNING\n"},
        {"Dockerfile": "FROM busybox\nCOPY nothing /\n"},
    ],
)
def test_what_is_not_all_cached_is_the_client_s_own(
    change: Files, builder: Wherry, built: Path, context: Context
) -> None:
    context(change)

    there = builder("build", "--no-cache-filter", "none", str(built), check=False)
    asked = builder("build", str(built), check=False)

    assert asked.returncode == there.returncode
    assert asked.stderr.split("\n")[-3:] == there.stderr.split("\n")[-3:]


def test_a_client_that_sees_other_files_builds_these(builder: Wherry, built: Path) -> None:
    other = built.parent / "other"
    other.mkdir()
    (other / "file").write_text("what only this mount namespace shows")
    script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    command = builder.command("build", "-q", "-t", "other", str(built))

    subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", str(other), str(built / "src"), *command],
        env=builder.environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )

    shown = builder("run", "--rm", "other", "cat", "/file").stdout
    assert shown == "what only this mount namespace shows"


def test_without_a_launcher_none_is_started(
    tmp_path: Path, builder: Wherry, context: Context
) -> None:
    run = tmp_path / "run"

    builder("build", "-q", str(context(FILES)), WHERRY_RUN=str(run), WHERRY_LAUNCHER="off")

    assert "launcher.sock" not in os.listdir(run)
