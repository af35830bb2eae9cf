"""Commands that a fork of the launcher carries out: nobody can tell, but by the time."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("containers")


@pytest.fixture
def box(wherry: Wherry) -> str:
    """A container that has printed a line and goes on; so there is a launcher."""
    wherry("run", "-d", "--name", "box", "--network", "none", "busybox", "sh", "-c", _PROGRAM)
    eventually(lambda: wherry("logs", "box").stdout == "ready\n", what="the line")
    return "box"


_PROGRAM = "echo ready; exec sleep 1000"


def forks(wherry: Wherry) -> set[int]:
    """Processes that belong to this installation, less the one that asks."""
    mark = f"WHERRY_RUN={wherry.run_folder}".encode()
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    "words",
    [
        "ps -a --format {{.Names}}",
        "ps --filter nonsense=1",
        "inspect box --format {{.Name}}",
        "inspect nothing",
        "logs box",
        "rename box",
        "top box -o pid,args --no-such-flag",
        "kill nothing box2",
        "volume ls -q",
        "-l loud ps",
    ],
)
def test_the_launcher_changes_nothing_but_the_time(wherry: Wherry, box: str, words: str) -> None:
    there = wherry(*words.split(), check=False)
    here = wherry(*words.split(), check=False, WHERRY_LAUNCHER="off")

    assert (there.stdout, there.stderr, there.returncode) == (
        here.stdout,
        here.stderr,
        here.returncode,
    )


def test_it_reads_the_client_s_input_and_environment(wherry: Wherry, box: str) -> None:
    wherry("run", "--name", "stopped", "busybox", "true")

    refused = wherry("container", "prune", stdin=b"n\n")
    summer = wherry("ps", "--format", "{{.CreatedAt}}", TZ="Etc/GMT-7").stdout

    assert "[y/N]" in refused.stdout
    assert "stopped" in wherry("ps", "-a").stdout
    assert "+0700" in summer
    wherry("container", "prune", stdin=b"y\n")
    assert "stopped" not in wherry("ps", "-a").stdout


def test_it_ends_with_its_client(wherry: Wherry, box: str) -> None:
    client = wherry.start("logs", "-f", box)
    assert client.stdout is not None
    assert client.stdout.readline() == b"ready\n"
    output = os.readlink(f"/proc/{client.pid}/fd/1")
    assert holders(wherry, output) - {client.pid}, "the command runs in a fork"

    client.send_signal(signal.SIGKILL)
    client.communicate()

    eventually(lambda: not holders(wherry, output), what="the fork is gone")


def holders(wherry: Wherry, pipe: str) -> set[int]:
    """Processes of this installation that have `pipe` open."""
    found = set()
    for pid in forks(wherry):
        with suppress(OSError):
            if any(map(pipe.__eq__, map(os.readlink, Path(f"/proc/{pid}/fd").iterdir()))):
                found.add(pid)
    return found


def test_a_reader_that_goes_ends_it_like_any_program(wherry: Wherry, box: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    client = subprocess.run(
        wherry.command("ps"),
        env=wherry.environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)

    assert (client.returncode, client.stderr) == (-signal.SIGPIPE, b"")
