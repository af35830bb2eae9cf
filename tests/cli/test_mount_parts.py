"""`--mount` of a part of a volume or an image: volume-subpath, image-subpath."""

import os
import signal
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.waiting import none_of

pytestmark = pytest.mark.needs("containers")

QUIET = ("--network", "none")
IMAGE = "type=image,source=busybox,target=/part,image-subpath="


def mounts_of(wherry: Wherry) -> list[str]:
    """What of the installation is mounted on the host."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if f"{wherry.run_folder}/" in line]


def run(wherry: Wherry, mount: str, script: str) -> str:
    words = ("run", "--rm", *QUIET, "--mount", mount, "busybox", "sh", "-c", script)
    return wherry(*words).stdout


def test_a_folder_of_an_image_is_seen_and_cannot_be_written(wherry: Wherry) -> None:
    script = "ls /part/busybox; touch /part/x 2>&1"
    words = ("run", "--rm", *QUIET, "--mount", f"{IMAGE}bin", "busybox", "sh", "-c", script)
    result = wherry(*words, check=False)

    assert result.stdout == "/part/busybox\ntouch: /part/x: Read-only file system\n"


def test_a_file_of_an_image_is_seen(wherry: Wherry) -> None:
    assert run(wherry, f"{IMAGE}etc/passwd", "head -n 1 /part").startswith("root:x:0:0:")


def test_a_part_of_a_volume_is_written_where_it_is(wherry: Wherry) -> None:
    wherry("run", "--rm", *QUIET, "-v", "data:/all", "busybox", "mkdir", "-p", "/all/a/b")

    run(wherry, "type=volume,source=data,target=/part,volume-subpath=a/b", "echo hi >/part/new")

    words = ("run", "--rm", *QUIET, "-v", "data:/all", "busybox", "cat", "/all/a/b/new")
    assert wherry(*words).stdout == "hi\n"


def test_a_link_in_a_volume_leads_nowhere_else(wherry: Wherry) -> None:
    wherry("run", "--rm", *QUIET, "-v", "data:/all", "busybox", "ln", "-s", "/etc", "/all/link")

    mount = "type=volume,source=data,target=/part,volume-subpath=link"
    result = wherry("run", "--rm", *QUIET, "--mount", mount, "busybox", "true", check=False)

    assert result.returncode == 127  # as Docker's client reads such words
    assert "no such file or directory" in result.stderr


@pytest.mark.parametrize(("part", "status"), [("nowhere", 127), ("etc/passwd/x", 125)])
def test_a_part_that_is_not_there_is_told_and_leaves_nothing(
    wherry: Wherry, part: str, status: int
) -> None:
    words = ("run", "--rm", *QUIET, "--mount", f"{IMAGE}{part}", "busybox", "true")
    result = wherry(*words, check=False)

    assert result.returncode == status
    assert "cannot access path" in result.stderr
    none_of(lambda: mounts_of(wherry))


def test_the_part_goes_with_its_container_when_the_supervisor_is_killed(wherry: Wherry) -> None:
    words = ("run", "-d", "--name", "web", *QUIET, "--mount", f"{IMAGE}bin", "busybox")
    made = wherry(*words, "sleep", "1000").stdout.strip()
    assert any(made in line for line in mounts_of(wherry))
    init = int(wherry("inspect", "-f", "{{.State.Pid}}", "web").stdout)
    with open(f"/proc/{init}/stat") as file:
        supervisor = int(file.read().rpartition(")")[2].split()[1])

    os.kill(supervisor, signal.SIGKILL)
    wherry("rm", "-f", "web")

    none_of(lambda: mounts_of(wherry))
