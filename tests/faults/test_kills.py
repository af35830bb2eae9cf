"""kill -9 of any of our processes at any moment: the next command finds or makes a sound state."""

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.traces import survey
from wherry.testing.waiting import eventually

pytestmark = [pytest.mark.needs("containers"), pytest.mark.timeout(300)]


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


def kill_one(wherry: Wherry, chance: random.Random) -> None:
    processes = processes_of(wherry)
    if processes:
        try:
            os.kill(chance.choice(processes), signal.SIGKILL)
        except ProcessLookupError:
            return


@pytest.mark.parametrize("seed", range(12))
def test_a_kill_at_any_moment_is_repaired(wherry: Wherry, seed: int) -> None:
    before = survey((str(wherry.run_folder),))
    chance = random.Random(seed)
    commands = [
        wherry.start("run", "-d", "--name", "kept", "-p", "18997:80", "busybox", "sleep", "100"),
        wherry.start("run", "--rm", "-v", "killed:/data", "busybox", "true"),
        wherry.start("run", "-d", "--restart=always", "--name", "again", "busybox", "true"),
    ]
    finished = threading.Event()

    def strike() -> None:
        while not finished.wait(chance.random() * 0.1):
            kill_one(wherry, chance)

    striker = threading.Thread(target=strike)
    striker.start()
    time.sleep(0.6)  # the span in which kills fall; nothing is waited for
    finished.set()
    striker.join()
    for command in commands:
        command.communicate(timeout=30)

    for row in wherry("ps", "-a", "--format", "{{.Names}} {{.State}}").stdout.splitlines():
        name, state = row.split()
        assert state in ("created", "running", "exited", "restarting"), row
        wherry("inspect", name)
    assert wherry("run", "--rm", "busybox", "echo", "well").stdout == "well\n"
    wherry.remove_everything()
    eventually(
        lambda: (
            not [
                trace
                for trace in survey((str(wherry.run_folder),)).new_since(before)
                if "launcher" not in trace
            ]
        ),
        seconds=20,
        what=f"seed {seed}: traces gone",
    )


def test_a_killed_shim_s_container_follows_its_policy(wherry: Wherry) -> None:
    wherry("run", "-d", "--name", "always", "--restart=always", "busybox", "sleep", "100")
    wherry("run", "-d", "--name", "never", "busybox", "sleep", "100")
    first = wherry("inspect", "-f", "{{.State.StartedAt}}", "always").stdout
    for pid in shims_of(wherry):
        os.kill(pid, signal.SIGKILL)

    assert eventually(lambda: "always Up" in status(wherry), what="restarted by policy")

    assert "never Exited (137)" in status(wherry)
    assert wherry("inspect", "-f", "{{.State.StartedAt}}", "always").stdout != first
    assert wherry("exec", "always", "echo", "alive").stdout == "alive\n"


def test_killing_the_launcher_changes_nothing(wherry: Wherry) -> None:
    wherry("run", "-d", "--name", "living", "busybox", "sleep", "100")
    shims = shims_of(wherry)
    others = [pid for pid in processes_of(wherry) if pid not in shims]
    for pid in others:
        os.kill(pid, signal.SIGKILL)

    assert wherry("exec", "living", "echo", "still").stdout == "still\n"
    assert shims_of(wherry) == shims


def shims_of(wherry: Wherry) -> list[int]:
    """The holders of shim locks, as the kernel lists them."""
    holders = {
        (int(words[5].split(":")[2]), int(words[4]))
        for line in Path("/proc/locks").read_text().splitlines()
        if (words := line.split())[1] == "POSIX"
    }
    inodes = {path.stat().st_ino for path in wherry.run_folder.glob("containers/*/shim.lock")}
    return sorted(pid for inode, pid in holders if inode in inodes)


def status(wherry: Wherry) -> str:
    return wherry("ps", "-a", "--format", "{{.Names}} {{.Status}}").stdout
