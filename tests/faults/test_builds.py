"""Builds that are killed, run out of disk or cannot read: what is in the cache stays right."""

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Killed
from wherry.linux.mount import MountFlag, UnmountFlag, mount, unmount
from wherry.testing.command import Wherry

pytestmark = [pytest.mark.needs("containers"), pytest.mark.timeout(300)]

TEXT = """\
FROM busybox AS one
COPY first /first
RUN echo one > /one
FROM busybox AS two
RUN echo two > /two && seq 2000 > /many
FROM one
COPY --from=two /two /many /
COPY --link second /second
WORKDIR /made
RUN cat /first /one /two /second > /made/all
"""
EXPECTED = "first\none\ntwo\nsecond\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(TEXT)
    for name in ("first", "second"):
        (folder / name).write_text(f"{name}\n")
    return folder


@pytest.fixture
def builder(clean: Wherry) -> Iterator[Wherry]:
    yield clean
    clean("builder", "prune", "-a", "-f")


def assert_right(wherry: Wherry, folder: Path) -> None:
    """The next build succeeds, and what it takes from the cache is whole."""
    wherry("build", "-q", "-t", "right", str(folder))
    script = "cat /made/all; wc -l < /many"
    shown = wherry("run", "--rm", "--network=none", "right", "sh", "-c", script).stdout
    assert shown == f"{EXPECTED}2000\n"
    wherry("rmi", "-f", "right")
    wherry("builder", "prune", "-a", "-f")


@pytest.mark.parametrize(
    "point",
    [
        "step carried out",
        "layer in place",
        "layer committed",
        "images inserted",
    ],
)
def test_a_kill_while_a_build_goes_on(
    builder: Wherry, killed: Killed, folder: Path, point: str
) -> None:
    result = killed(point, "build", "-t", "right", str(folder))

    assert result.returncode != 0, f"{point} was not reached"
    assert "Traceback" not in result.stderr
    assert_right(builder, folder)


@pytest.mark.parametrize("seed", range(int(os.environ.get("WHERRY_KILLS", "1"))))
def test_a_kill_at_any_moment_of_a_build(builder: Wherry, folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    build = builder.start("build", "-t", "right", str(folder))
    try:
        build.wait(chance.uniform(0.05, 1.5))
    except subprocess.TimeoutExpired:
        os.kill(build.pid, signal.SIGKILL)
    build.communicate()

    assert_right(builder, folder)


def test_a_file_that_cannot_be_read_fails_its_step(builder: Wherry, folder: Path) -> None:
    (folder / "second").write_text("")
    mount("", "/proc/self/mem", folder / "second", MountFlag.BIND)  # EIO at its beginning
    try:
        failed = builder("build", "-t", "right", str(folder), check=False)
    finally:
        unmount(folder / "second", UnmountFlag.DETACH)
    (folder / "second").write_text("second\n")

    assert failed.returncode == 1
    assert "second: input/output error" in failed.stderr
    assert "Dockerfile:8" in failed.stderr
    assert "Traceback" not in failed.stderr
    again = builder("build", "--explain", str(folder)).stdout
    assert "hit   [one 3/3] RUN echo one > /one" in again
    assert_right(builder, folder)


@pytest.fixture
def small_disk(tmp_path: Path, installation: Wherry) -> Iterator[Wherry]:
    """An installation on a disk of its own, with busybox and little room beside it."""
    base = tmp_path / "disk"
    base.mkdir()
    archive = tmp_path / "busybox.tar"
    installation("save", "-o", str(archive), "busybox")
    mount("tmpfs", "tmpfs", base, MountFlag(0), "size=12m")
    wherry = Wherry(base / "root", tmp_path / "run")
    try:
        wherry("load", "-q", "-i", str(archive))
        yield wherry
        wherry("system", "launcher", "stop")
    finally:
        unmount(base, UnmountFlag.DETACH)
        shutil.rmtree(tmp_path / "run", ignore_errors=True)


@pytest.mark.parametrize(
    "greedy",
    ["RUN dd if=/dev/zero of=/big bs=1M count=20", "COPY big /big"],
)
def test_a_full_disk_fails_the_step_and_keeps_the_cache(
    small_disk: Wherry, folder: Path, greedy: str
) -> None:
    lines = ("FROM busybox", "COPY first /", greedy, "RUN cat /first")
    (folder / "Dockerfile").write_text("\n".join(lines))
    with (folder / "big").open("wb") as file:
        file.truncate(0)
        file.write(os.urandom(1 << 20) * 20)
    words = ("build", "--progress=plain", "--network=none", str(folder))

    failed = small_disk(*words, check=False)

    assert failed.returncode == 1
    assert "no space left on device" in failed.stderr.lower()
    assert "Dockerfile:3" in failed.stderr
    assert "Traceback" not in failed.stderr
    (folder / "Dockerfile").write_text("\n".join(lines).replace(greedy, "RUN echo small > /big"))
    again = small_disk(*words)
    assert again.stderr.count("CACHED") == 1
