"""Logs: what is written, what is kept, and what `logs` shows of it, beside docker's."""

import json
import subprocess
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.sides import Side
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("containers")

COUNT = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done"


def run(it: Side, script: str, *flags: str) -> None:
    it("run", "--name", "web", *flags, "busybox", "sh", "-c", script)


def log_files(it: Side) -> list[Path]:
    """The newest first."""
    words = it.command("inspect", "-f", "{{.LogPath}}", "web")
    result = subprocess.run(words, env=it.environment, check=True, capture_output=True, text=True)
    path = Path(result.stdout.strip())
    return sorted(path.parent.glob("*-json.log*"))


FORMAT = r"""printf 'a\nb'; sleep 0.3; printf 'c\n\n'; printf '<&> "\\ \t \001 \377 \342\202\254\n'
printf 'no end'"""


def test_the_file_is_docker_s(ours: Side, theirs: Side) -> None:
    lines = []
    for side in (ours, theirs):
        run(side, FORMAT)
        (file,) = log_files(side)
        assert file.stat().st_mode & 0o777 == 0o640
        texts = file.read_text().splitlines()
        for text in texts:
            assert list(json.loads(text)) == ["log", "stream", "time"]
        lines.append([text[: text.index(',"time"')] for text in texts])
    assert lines[0] == lines[1]


def test_long_lines_are_split_and_shown_whole(it: Side) -> None:
    run(it, "head -c 40000 /dev/zero | tr '\\0' x; echo; echo short")

    (file,) = log_files(it)

    lengths = [len(json.loads(line)["log"]) for line in file.read_text().splitlines()]
    assert lengths == [16384, 16384, 40001 - 2 * 16384, 6]
    assert it("logs", "web").stdout == "x" * 40000 + "\nshort\n"
    assert it("logs", "-n", "1", "web").stdout == "short\n"


@pytest.mark.parametrize("flags", [(), ("--log-opt", "compress=true")])
def test_a_log_is_kept_in_so_many_files_of_such_a_size(it: Side, flags: tuple[str, ...]) -> None:
    run(it, COUNT + "; sleep 1", "--log-opt", "max-size=10k", "--log-opt", "max-file=3", *flags)

    files = log_files(it)

    end = ".gz" if flags else ""
    names = [file.name.partition("-json.log")[2] for file in files]
    assert names == ["", f".1{end}", f".2{end}"]
    shown = it("logs", "web").stdout.splitlines()
    assert shown[-1] == "line 1999"
    assert 300 < len(shown) < 400
    assert shown == [f"line {number}" for number in range(2000 - len(shown), 2000)]


def test_no_line_is_lost_or_doubled_while_files_are_rotated(ours: Side) -> None:
    paced = COUNT.replace("i=$((i+1))", "i=$((i+1)); [ $((i%50)) = 0 ] && sleep 0.02")
    script = f"echo ready; until test -e /go; do sleep 0.1; done; {paced}"
    words = ("--log-opt", "max-size=10k", "--log-opt", "max-file=4")
    ours("run", "-d", "--name", "web", *words, "busybox", "sh", "-c", script)
    with ours.start("logs", "-f", "web") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        ours("exec", "web", "touch", "/go")

        followed = client.stdout.read().decode().splitlines()

    assert followed == [f"line {number}" for number in range(2000)]


@pytest.mark.parametrize("order", [("stop", "-t", "0"), ("restart", "-t", "0"), ("rm", "-f")])
def test_following_ends_with_the_run(it: Side, order: tuple[str, ...]) -> None:
    it("run", "-d", "--name", "web", "busybox", "sh", "-c", "echo here; exec sleep 1000")
    with it.start("logs", "-f", "web") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"here\n"
        it(*order, "web")
        assert client.wait(20) == 0
        assert client.stdout.read() == b""


SELECTIONS: list[tuple[str, ...]] = [
    (),
    ("-n", "1"),
    ("--tail", "0"),
    ("--tail", "all"),
    ("-n", "-1"),
    ("--since", "1h"),
    ("--since", "2030-01-01"),
    ("--since", "2030-01-01T00:00:00Z"),
    ("--since", "1893456000.5"),
    ("--until", "1h"),
    ("--until", "2030-01-01"),
    ("-t",),
    ("--details",),
    ("-n", "x"),
    ("--since", "bogus"),
    ("--until", "bogus"),
]


@pytest.mark.parametrize("words", SELECTIONS, ids=" ".join)
def test_what_is_chosen(ours: Side, theirs: Side, words: tuple[str, ...]) -> None:
    outcomes = []
    for side in (ours, theirs):
        flags = ("--log-opt", "labels=a,b", "--log-opt", "env=X", "--label", "a=1", "-e", "X=2")
        run(side, "echo one; echo two; printf three", *flags)
        outcomes.append(side("logs", *words, "web"))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("driver", ["json-file", "local", "none"])
def test_drivers(ours: Side, theirs: Side, driver: str) -> None:
    outcomes = []
    for side in (ours, theirs):
        run(side, "echo out; echo err >&2; printf partial", "--log-driver", driver)
        found = side("logs", "web")
        kind = side("inspect", "-f", "{{.HostConfig.LogConfig}} {{eq .LogPath ``}}", "web")
        outcomes.append((found, kind))
    assert outcomes[0] == outcomes[1]


REFUSED = [
    ("--log-opt", "nosuch=1"),
    ("--log-opt", "max-size=x"),
    ("--log-opt", "max-file=0"),
    ("--log-opt", "compress=true"),
    ("--log-opt", "mode=nosuch"),
    ("--log-driver", "none", "--log-opt", "max-size=1m"),
]


@pytest.mark.parametrize("flags", REFUSED, ids=" ".join)
def test_options_that_are_refused(it: Side, flags: tuple[str, ...]) -> None:
    result = it("run", "--rm", *flags, "busybox", "true")

    assert result.status == 125
    assert result.stdout == ""


def test_names_and_modes_are_refused_before_anything_is_made(ours: Side, theirs: Side) -> None:
    flags = (
        ("--log-opt", "mode=fast"),
        ("--log-opt", "max-buffer-size=1m"),
        ("--log-opt", "mode=non-blocking", "--log-opt", "max-buffer-size=x"),
        ("--log-driver", "local", "--log-opt", "labels=x"),
        ("--log-opt", ""),
    )
    for words in flags:
        results = [side("create", *words, "busybox") for side in (ours, theirs)]
        assert results[0] == results[1]
        assert (results[0].status, results[0].stdout) == (1, "")


def test_a_driver_that_is_not_there(ours: Side) -> None:
    """Docker says the same, after 15 seconds of looking for a plugin of that name."""
    result = ours("run", "--rm", "--log-driver", "nosuch", "busybox", "true")

    assert result.status == 125
    assert result.stderr.startswith(
        'error looking up logging plugin nosuch: plugin "nosuch" not found\n'
    )


def test_output_after_stdout_was_closed(it: Side) -> None:
    run(it, "echo out; exec >&-; sleep 0.3; echo err >&2")

    result = it("logs", "web")

    assert (result.stdout, result.stderr) == ("out\n", "err\n")


def test_both_runs_are_in_the_log(it: Side) -> None:
    run(it, "echo here")
    it("start", "-a", "web")

    assert it("logs", "web").stdout == "here\nhere\n"


def test_a_log_can_be_cleared_while_it_is_written(ours: Side) -> None:
    script = "echo before; until test -e /go; do sleep 0.1; done; echo after; exec sleep 1000"
    ours("run", "-d", "--name", "web", "busybox", "sh", "-c", script)
    eventually(lambda: ours("logs", "web").stdout == "before\n")

    cleared = ours("logs", "--clear", "web")

    assert (cleared.stdout, cleared.status) == ("", 0)
    assert ours("logs", "web").stdout == ""
    ours("exec", "web", "touch", "/go")
    eventually(lambda: ours("logs", "web").stdout == "after\n")


def test_logs_are_bounded_unless_asked_otherwise(ours: Side) -> None:
    run(ours, "yes | head -c 3000000")
    assert len(log_files(ours)) > 1
    assert max(file.stat().st_size for file in log_files(ours)) < 20_001_000


@pytest.mark.needs("overlay")
def test_a_full_disk_stops_the_log_and_not_the_container(
    tmp_path: Path, installation: Wherry
) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", tmp_path], check=True)
    try:
        wherry = Wherry(tmp_path / "root", tmp_path / "run")
        wherry("bootstrap", "busybox")
        script = "yes | head -c 4000000; echo written >&2; exit 7"
        words = ("-a", "stderr", "--name", "web", "--log-opt", "max-size=-1", "--network", "none")

        result = wherry("run", *words, "busybox", "sh", "-c", script, check=False)

        assert (result.stderr, result.returncode) == ("written\n", 7)
        wherry("logs", "--clear", "web")
        assert wherry("inspect", "-f", "{{.State.ExitCode}}", "web").stdout == "7\n"
        wherry.remove_everything()
        wherry("system", "launcher", "stop")
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)
