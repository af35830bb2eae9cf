"""What the tests of faults share: our processes on this host, and one killed at a named point."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.traces import nothing_left, survey

Killed = Callable[..., "subprocess.CompletedProcess[str]"]


def processes_of(wherry: Wherry) -> list[int]:
    """Our processes: clients, launcher, shims and what they fork; not what runs in containers."""
    mark = f"WHERRY_RUN={wherry.run_folder}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def supervisors_of(wherry: Wherry) -> list[int]:
    """The shims, and the workers of those that are awake."""
    shims = set(shims_of(wherry))
    return sorted(shims | {pid for pid in processes_of(wherry) if parent_of(pid) in shims})


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def shims_of(wherry: Wherry) -> list[int]:
    """The holders of shim locks, as the kernel lists them."""
    holders = {
        (int(words[5].split(":")[2]), int(words[4]))
        for line in Path("/proc/locks").read_text().splitlines()
        if (words := line.split())[1] == "POSIX"
    }
    inodes = {path.stat().st_ino for path in wherry.run_folder.glob("containers/*/shim.lock")}
    return sorted(pid for inode, pid in holders if inode in inodes)


def kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def surveyed(installation: Wherry) -> Iterator[Wherry]:
    """The installation; at the end nothing may be left of what a module's tests have made."""
    installation("run", "--rm", "busybox", "true")  # makes bridge and table, which stay
    installation("system", "launcher", "stop")
    before = survey(installation.root, installation.run_folder)
    yield installation
    installation("system", "launcher", "stop")
    nothing_left(installation.root, installation.run_folder, before)


@pytest.fixture
def clean(surveyed: Wherry, wherry: Wherry) -> Wherry:
    """The command, whose tests leave nothing at all: see `surveyed`, and files after each test."""
    assert surveyed is wherry
    return wherry


@pytest.fixture
def killed(clean: Wherry) -> Killed:
    """Run the command without a launcher; whichever process comes to `point` is killed there."""

    def run(point: str, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "wherry.testing.killed", point, *words],
            env=clean.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run
