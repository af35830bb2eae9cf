"""Builds that are killed, interrupted, or run beside each other."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.build.conftest import Files
from wherry.linux.cgroup.manager import list_orphans
from wherry.testing.command import Wherry
from wherry.testing.waiting import eventually

TEXT = "FROM busybox\nRUN echo kept > /kept\nRUN echo begun; sleep 600\n"


def _begun(build: "subprocess.Popen[bytes]") -> None:
    """Wait until the long step runs."""
    assert build.stderr is not None
    for line in build.stderr:
        if b" begun" in line and b"RUN" not in line:
            return
    raise AssertionError("the build ended")


@pytest.fixture
def running(
    builder: Wherry, context: Callable[[Files], Path]
) -> Iterator["subprocess.Popen[bytes]"]:
    folder = context({"Dockerfile": TEXT})
    build = builder.start("build", "--progress=plain", str(folder))
    _begun(build)
    yield build
    build.kill()
    build.communicate()


def _assert_nothing_runs(builder: Wherry) -> None:
    eventually(lambda: not list_orphans("/wherry", ()), seconds=10, what="cgroups of steps removed")
    staged = [path for path in (builder.root / "tmp").iterdir() if path.is_dir()]
    assert staged == []


def test_an_interrupted_build_leaves_nothing_half_made(
    running: "subprocess.Popen[bytes]", builder: Wherry
) -> None:
    running.send_signal(signal.SIGINT)

    assert running.wait(20) == 130
    _assert_nothing_runs(builder)


def test_a_ctrl_c_that_reaches_all_processes_leaves_nothing_of_stages_side_by_side(
    builder: Wherry, context: Callable[[Files], Path]
) -> None:
    stage = "FROM busybox AS {0}\nRUN echo begun {0}; sleep 600\n"
    text = f"{stage.format('one')}{stage.format('two')}FROM one\nCOPY --from=two /bin/sh /sh\n"
    words = builder.command("build", "--progress=plain", str(context({"Dockerfile": text})))
    build = subprocess.Popen(
        words, env=builder.environment, stderr=subprocess.PIPE, start_new_session=True
    )
    for _ in range(2):
        _begun(build)

    os.killpg(build.pid, signal.SIGINT)  # as a terminal does; the builder then ends its stages

    build.communicate(timeout=20)
    assert build.returncode == 130
    _assert_nothing_runs(builder)


def test_after_a_kill_the_next_build_is_right(
    running: "subprocess.Popen[bytes]", builder: Wherry, context: Callable[[Files], Path]
) -> None:
    os.kill(running.pid, signal.SIGKILL)
    running.wait(20)
    folder = context({"Dockerfile": TEXT.replace("sleep 600", "true")})

    again = builder("build", "--progress=plain", "-t", "again", str(folder))

    assert again.stderr.count("CACHED") == 1
    assert builder("run", "--rm", "again", "cat", "/kept").stdout == "kept\n"
    builder("builder", "prune", "-f")
    _assert_nothing_runs(builder)


def test_the_same_build_twice_at_once_does_each_step_once(
    builder: Wherry, context: Callable[[Files], Path]
) -> None:
    text = "FROM busybox\nRUN --mount=type=cache,target=/c echo x >> /c/log; sleep 1\n"
    folder = context({"Dockerfile": text})

    both = [builder.start("build", "-q", str(folder)) for _ in range(2)]

    ids = {build.communicate(timeout=60)[0] for build in both}
    assert [build.returncode for build in both] == [0, 0]
    assert len(ids) == 1
    context({"Dockerfile": "FROM busybox\nRUN --mount=type=cache,target=/c cat /c/log\n"})
    shown = builder("build", "--progress=plain", str(folder)).stderr
    assert sum(line.endswith(" x") for line in shown.splitlines()) == 1
