"""--log-driver journald: what the journal holds and what `logs` reads back, beside dockerd."""

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest

from wherry.linux.journal import synchronize
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd

pytestmark = pytest.mark.needs("containers", "journald")

NAME = "wherry-journald"
# A line of three records, an empty one, and an end without a line break.
SCRIPT = "echo one; head -c 40000 /dev/zero | tr '\\0' x; echo; echo; printf end"
OPTIONS = (
    *("--log-driver", "journald", "--log-opt", "labels=a-b", "--log-opt", "env=_WHERE"),
    *("--log-opt", "tag={{.Name}}/{{.ImageName}}", "--label", "a-b=label", "-e", "_WHERE=here"),
)
OWN = {"CONTAINER_ID", "CONTAINER_ID_FULL", "CONTAINER_PARTIAL_ID", "SYSLOG_TIMESTAMP"}


def entries(container_id: str) -> list[dict[str, str]]:
    synchronize()
    text = subprocess.run(
        ["journalctl", "--all", "-o", "json", f"CONTAINER_ID_FULL={container_id}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [json.loads(line) for line in text.splitlines()]


def shown(entry: dict[str, str]) -> dict[str, str]:
    """What can be compared: not what differs from run to run, or tells the engine apart."""
    hidden = {*OWN, "CONTAINER_LOG_EPOCH", "CONTAINER_LOG_ORDINAL"}
    return {k: v for k, v in entry.items() if not k.startswith("_") and k not in hidden}


@pytest.fixture
def log_with_both(wherry: Wherry, dockerd: Dockerd) -> Iterator[Callable[[str], list[str]]]:
    """The IDs of a container of each engine that has logged what a script says, and ended."""

    def logged(script: str) -> list[str]:
        ids = []
        for command in (wherry, dockerd.docker):
            command("run", "--name", NAME, *OPTIONS, "busybox", "sh", "-c", script)
            ids.append(command("inspect", "-f", "{{.Id}}", NAME).stdout.strip())
        return ids

    yield logged
    dockerd.docker("rm", "-f", NAME)


def test_entries_have_dockers_fields(log_with_both: Callable[[str], list[str]]) -> None:
    ours, theirs = map(entries, log_with_both(SCRIPT))

    assert list(map(shown, ours)) == list(map(shown, theirs))
    pieces = [entry for entry in ours if "CONTAINER_PARTIAL_ORDINAL" in entry]
    assert {*OWN} <= {*pieces[0]}
    assert len({entry["CONTAINER_PARTIAL_ID"] for entry in pieces[:3]}) == 1


def test_stderr_is_told_apart(
    log_with_both: Callable[[str], list[str]], wherry: Wherry, dockerd: Dockerd
) -> None:
    ours, theirs = map(entries, log_with_both("echo oops >&2"))

    assert list(map(shown, ours)) == list(map(shown, theirs))
    assert wherry("logs", NAME).stderr == dockerd.docker("logs", NAME).stderr == "oops\n"


@pytest.mark.parametrize(
    "flags", [(), ("--tail", "2", "--details"), ("--tail", "0"), ("--until", "2001-01-01")]
)
def test_logs_reads_them_back(
    log_with_both: Callable[[str], list[str]],
    wherry: Wherry,
    dockerd: Dockerd,
    flags: tuple[str, ...],
) -> None:
    log_with_both(SCRIPT)

    ours = wherry("logs", *flags, NAME)
    theirs = dockerd.docker("logs", *flags, NAME)

    assert ours.stdout == theirs.stdout
    assert ours.stderr == theirs.stderr


def test_times_are_the_journals(wherry: Wherry) -> None:
    wherry("run", "--name", NAME, "--log-driver", "journald", "busybox", "sh", "-c", SCRIPT)
    (first, *_) = entries(wherry("inspect", "-f", "{{.Id}}", NAME).stdout.strip())
    line = wherry("logs", "-t", NAME).stdout.splitlines()[0]
    time = line.split(" ")[0]
    last = wherry("logs", "-t", "--tail", "1", NAME).stdout.split(" ")[0]

    assert line.endswith("one")
    assert first["__REALTIME_TIMESTAMP"][-6:] == time.partition(".")[2][:6]
    assert wherry("logs", "--since", last, NAME).stdout == "end"


def test_following_ends_with_the_container_and_misses_nothing(wherry: Wherry) -> None:
    script = "i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i + 1)); done"
    words = ("run", "-d", "--name", NAME, "--log-driver", "journald", "busybox")
    wherry(*words, "sh", "-c", f"read _ </dev/null; {script}")

    followed = wherry("logs", "-f", NAME).stdout.split()

    assert followed == [str(number) for number in range(2000)]
    assert wherry("logs", NAME).stdout.split() == followed


def test_the_journal_is_not_cleared(wherry: Wherry) -> None:
    wherry("run", "--name", NAME, "--log-driver", "journald", "busybox", "echo", "kept")

    refused = wherry("logs", "--clear", NAME, check=False)

    assert refused.returncode == 1
    assert "cannot be cleared" in refused.stderr
    assert wherry("logs", NAME).stdout == "kept\n"
