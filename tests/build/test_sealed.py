"""Who carries out a RUN is out of its reach: CVE-2019-5736."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.conftest import Files
from wherry.testing.command import Wherry


@pytest.mark.parametrize("launcher", ["on", "off"])
def test_a_builder_runs_from_what_cannot_be_written_to(
    builder: Wherry, context: Callable[[Files], Path], launcher: str
) -> None:
    stage = "FROM busybox AS {0}\nRUN echo {0} has begun; sleep 600\n"
    text = f"{stage.format('one')}{stage.format('two')}FROM one\nCOPY --from=two /bin/sh /sh\n"
    words = builder.command("build", "--progress=plain", str(context({"Dockerfile": text})))
    environment = builder.environment | {"WHERRY_LAUNCHER": launcher}

    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE) as build:
        try:
            assert build.stderr is not None
            begun = (line for line in build.stderr if line.rstrip().endswith(b" has begun"))
            for _ in range(2):
                next(begun)
            programs = {
                process: os.statvfs(f"/proc/{process}/exe").f_flag & os.ST_RDONLY
                for process in (build.pid, *_children(build.pid))
            }
        finally:
            build.terminate()
            build.communicate(timeout=20)

    assert len(programs) == 3  # the builder, and one for each stage
    assert all(programs.values())


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
