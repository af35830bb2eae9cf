"""The ways to run a container and to be attached to it, as scripts use them."""

import os
import signal
from pathlib import Path

import pytest

from wherry.testing.sides import Side
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("containers")

LOUD = ("busybox", "sh", "-c", "echo out; echo err >&2")
ENDINGS = [
    (("true",), 0),
    (("sh", "-c", "exit 7"), 7),
    (("nope",), 127),
    (('["nope"]',), 127),
    (("/nope",), 127),
    (("/etc",), 126),
    (("/etc/passwd",), 126),
]


@pytest.mark.parametrize(("command", "status"), ENDINGS, ids=lambda value: str(value))
def test_the_exit_status_of_run(it: Side, command: tuple[str, ...], status: int) -> None:
    assert it("run", "--rm", "busybox", *command).status == status


@pytest.mark.parametrize(("name", "status"), [("KILL", 137), ("TERM", 143)])
def test_the_exit_status_of_run_after_a_signal(it: Side, name: str, status: int) -> None:
    with it.start("run", "--init", "--name", "web", "busybox", "sleep", "1000") as client:
        # tini has its own say about signals from its start on; the program comes after it
        eventually(lambda: "sleep 1000\n" in it("exec", "web", "ps", "-o", "args").stdout)
        it("kill", "-s", name, "web")
        assert client.wait(20) == status


REFUSED: list[tuple[tuple[str, ...], int]] = [
    ((), 1),
    (("--nosuch", "busybox"), 125),
    (("-d", "-a", "stdout", "busybox"), 1),
    (("-a", "bogus", "busybox"), 125),
    (("-i", "-t", "busybox"), 1),
    (("--rm", "--restart", "always", "busybox"), 125),
    (("--pull", "bogus", "busybox"), 125),
    (("--name", "a b", "busybox"), 125),
    (("--name", "a", "busybox"), 125),
    (("--cidfile", "/nosuch/file", "busybox"), 127),
    (("--env-file", "/nosuch/file", "busybox"), 125),
    (("--label-file", "/nosuch/file", "busybox"), 125),
    (("--security-opt", "seccomp=/nosuch/file", "busybox"), 125),
    (("Busybox",), 125),
    (("busybox:a:b",), 125),
]


@pytest.mark.parametrize(("words", "status"), REFUSED, ids=lambda value: " ".join(map(str, value))
                         if isinstance(value, tuple) else str(value))  # fmt: skip
def test_what_run_refuses(ours: Side, theirs: Side, words: tuple[str, ...], status: int) -> None:
    mine = ours("run", *words)

    assert mine == theirs("run", *words)
    assert mine.status == status


ATTACHED: list[tuple[tuple[str, ...], bytes | None, str, str]] = [
    ((), None, "out\n", "err\n"),
    (("-a", "stdout"), None, "out\n", ""),
    (("-a", "stderr"), None, "", "err\n"),
    (("-a", "STDOUT", "-a", "STDERR"), None, "out\n", "err\n"),
    (("-t",), None, "out\r\nerr\r\n", ""),
]


@pytest.mark.parametrize(("flags", "stdin", "out", "err"), ATTACHED)
def test_streams_that_are_attached(
    it: Side, flags: tuple[str, ...], stdin: bytes | None, out: str, err: str
) -> None:
    result = it("run", "--rm", *flags, *LOUD, stdin=stdin)

    assert (result.stdout, result.stderr, result.status) == (out, err, 0)


INPUTS = [
    (("-i",), "data\n"),
    ((), ""),
    (("-a", "stdin", "-a", "stdout", "-i"), "data\n"),
    (("-a", "stdin", "-i"), ""),
]


@pytest.mark.parametrize(("flags", "out"), INPUTS)
def test_standard_input_of_run(it: Side, flags: tuple[str, ...], out: str) -> None:
    assert it("run", "--rm", *flags, "busybox", "cat", stdin=b"data\n").stdout == out


def test_descriptors_that_are_closed_are_nobodys(it: Side) -> None:
    script = "it run -i --rm busybox sh -c 'cat; echo done' <&-"

    assert it.shell(script).stdout == "done\n"
    assert it.shell(f"{script} 2>&-").stdout == "done\n"
    assert it.shell(f"{script} >&-").status == 0


EXEC_REFUSED: list[tuple[tuple[str, ...], int]] = [
    (("-w", "relative", "web", "true"), 126),
    (("-e", "=b", "web", "true"), 125),
    (("--env-file", "/nosuch", "web", "true"), 1),
    (("--detach-keys", "bogus", "web", "true"), 1),
    (("", "true"), 1),
]


def test_what_exec_refuses(ours: Side, theirs: Side) -> None:
    for side in (ours, theirs):
        side("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    for words, status in EXEC_REFUSED:
        mine = ours("exec", *words)

        assert mine == theirs("exec", *words)
        assert mine.status == status


def test_an_empty_name_is_nobodys(ours: Side, theirs: Side) -> None:
    for words in (("stop", ""), ("logs", ""), ("rename", "", "new"), ("rename", "old", "")):
        assert ours(*words) == theirs(*words)


def test_the_end_of_the_input_is_not_the_end_of_the_output(it: Side) -> None:
    script = "cat; sleep 0.3; echo after"

    result = it("run", "-i", "--rm", "busybox", "sh", "-c", script, stdin=b"before\n")

    assert result.stdout == "before\nafter\n"


def test_a_lot_goes_through_both_ways(it: Side) -> None:
    data = b"0123456789abcde\n" * 200_000

    result = it("run", "-i", "--rm", "busybox", "cat", stdin=data)

    assert len(result.stdout) == len(data)


def test_a_container_outlives_a_reader_that_has_had_enough(ours: Side) -> None:
    endless = "trap '' PIPE; while :; do echo y; sleep 0.01; done"

    result = ours.shell(f'it run --name web busybox sh -c "{endless}" | head -1')

    assert result.stdout == "y\n"
    assert "Traceback" not in result.stderr
    assert ours("inspect", "-f", "{{.State.Running}}", "web").stdout == "true\n"


@pytest.mark.parametrize(
    "words",
    [
        "run --rm busybox echo hello",
        "ps -a",
        "inspect web",
        "logs web",
        "exec web echo hello",
        "version",
        "--help",
    ],
)
def test_a_full_disk_behind_standard_output(ours: Side, words: str) -> None:
    # Docker says it in the same words, but ends with 0 where it was a table or a help text.
    ours("run", "-d", "--name", "web", "busybox", "sh", "-c", "echo line; exec sleep 1000")

    result = ours.shell(f"it {words} >/dev/full")

    assert result.stderr == "write /dev/stdout: no space left on device\n"
    assert result.status == 1


@pytest.mark.parametrize("words", ["ps -a", "inspect web", "logs -f web", "stats"])
def test_a_reader_that_is_gone(ours: Side, words: str) -> None:
    ours("run", "-d", "--name", "web", "busybox", "sh", "-c", "while echo x; do sleep 0.05; done")

    result = ours.shell(
        f"(it {words} | true) & it run -d busybox true >/dev/null; wait", timeout=20
    )

    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGABRT, signal.SIGXCPU]
)
def test_signals_go_to_the_container(it: Side, number: signal.Signals) -> None:
    name = number.name[3:]
    script = f"trap 'echo told; exit 9' {name}; echo ready; while :; do sleep 0.1; done"
    with it.start("run", "--rm", "busybox", "sh", "-c", script) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        client.send_signal(number)
        assert client.stdout.readline() == b"told\n"
        assert client.wait(20) == 9


def test_signals_do_not_go_to_the_container_when_they_are_not_to(ours: Side) -> None:
    words = ("run", "--name", "web", "--sig-proxy=false", "busybox", "sh", "-c")
    with ours.start(*words, "echo ready; exec sleep 1000") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        client.send_signal(signal.SIGTERM)
        assert client.wait(20) == -signal.SIGTERM
    assert ours("inspect", "-f", "{{.State.Running}}", "web").stdout == "true\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("words", [("logs", "-f", "web"), ("events",), ("wait", "web"), ("stats",)])
def test_commands_that_wait_can_be_interrupted(
    ours: Side, words: tuple[str, ...], number: signal.Signals
) -> None:
    ours("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    with ours.start(*words) as client:
        client.send_signal(number)
        assert client.wait(20) != 0
        assert client.stderr is not None
        assert b"Traceback" not in client.stderr.read()


def test_the_cidfile_has_the_number_and_is_not_left_behind(it: Side, tmp_path: Path) -> None:
    path = tmp_path / "cid"
    it("run", "--cidfile", str(path), "--name", "web", "busybox", "true")

    assert it("inspect", "-f", "{{.Id}}", "web").stdout == "<id>\n"
    assert len(path.read_bytes()) == 64
    again = it("run", "--cidfile", str(path), "busybox", "true")
    assert again.status == 125
    assert again.stderr.startswith("container ID file found, make sure the other container")

    other = tmp_path / "other"
    it("run", "--cidfile", str(other), "--pull", "never", "nosuchimage", "true")
    assert not other.exists()


EXECS: list[tuple[str, ...]] = [
    ("web", "echo", "hello"),
    ("web", "sh", "-c", "exit 5"),
    ("web", "sh", "-c", "kill -9 $$"),
    ("-u", "99", "web", "id"),
    ("-w", "/tmp", "web", "pwd"),
    ("-e", "A=b", "-e", "NOT_SET", "web", "env"),
    ("-t", "web", "tty"),
    ("-i", "-t", "web", "tty"),
    ("web",),
    ("nosuch", "true"),
    ("--detach-keys", "bogus", "web", "true"),
]


@pytest.mark.parametrize("words", EXECS, ids=" ".join)
def test_exec(ours: Side, theirs: Side, words: tuple[str, ...]) -> None:
    outcomes = []
    for side in (ours, theirs):
        side("run", "-d", "--name", "web", "busybox", "sleep", "1000")
        outcomes.append(side("exec", *words))
    mine, docker_s = outcomes
    if "bogus" in words:  # 20.10 has other words for it
        assert (mine.status, docker_s.status) == (1, 1)
    else:
        assert mine == docker_s


NOT_EXECUTED = [
    (("web", "nope"), 127, 'exec: "nope": executable file not found in $PATH: unknown\r\n'),
    (("web", "/etc"), 126, 'exec: "/etc": is a directory: unknown\r\n'),
    (("-u", "nobody-here", "web", "id"), 126, "no matching entries in passwd file\r\n"),
    (("-w", "/nope", "web", "pwd"), 126, "no such file or directory: unknown\r\n"),
]


@pytest.mark.parametrize(("words", "status", "ending"), NOT_EXECUTED)
def test_what_cannot_be_executed_is_said_where_it_would_have_written(
    ours: Side, words: tuple[str, ...], status: int, ending: str
) -> None:
    ours("run", "-d", "--name", "web", "busybox", "sleep", "1000")

    result = ours("exec", *words)

    assert (result.status, result.stderr) == (status, "")
    assert result.stdout.endswith(ending)
    assert ours("exec", "-d", *words).status == 1


def test_standard_input_of_exec(it: Side) -> None:
    it("run", "-d", "--name", "web", "busybox", "sleep", "1000")

    assert it("exec", "-i", "web", "cat", stdin=b"data\n").stdout == "data\n"
    assert it("exec", "web", "cat", stdin=b"data\n").stdout == ""


def test_an_exec_in_the_background(it: Side) -> None:
    it("run", "-d", "--name", "web", "busybox", "sleep", "1000")

    result = it("exec", "-d", "web", "touch", "/made")

    assert (result.stdout, result.status) == ("", 0)
    eventually(lambda: it("exec", "web", "ls", "/made").status == 0)


def test_attach_gives_the_container_s_exit_status(ours: Side) -> None:
    # Not beside docker's: its client may be told of the exit before it has the output.
    ours("run", "-di", "--name", "web", "busybox", "sh", "-c", "read word; echo got $word; exit 6")

    result = ours("attach", "web", stdin=b"this\n")

    assert (result.stdout, result.status) == ("got this\n", 6)


def test_attach_without_input(it: Side) -> None:
    ticking = "while sleep 0.1; do echo tick; done & read word; echo got $word; kill %1"
    it("run", "-di", "--name", "web", "busybox", "sh", "-c", ticking)
    with it.start("attach", "--no-stdin", "web") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"tick\n"
        it("attach", "web", stdin=b"this\n")
        assert client.wait(20) == 0
        assert client.stdout.read().endswith(b"got this\n")


@pytest.mark.parametrize("order", ["pause", "stop"])
def test_attach_is_refused_where_nothing_can_be_attached_to(
    ours: Side, theirs: Side, order: str
) -> None:
    outcomes = []
    for side in (ours, theirs):
        side("run", "-d", "--stop-timeout", "0", "--name", "web", "busybox", "sleep", "1000")
        side(order, "web")
        outcomes.append(side("attach", "web"))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].status == 1


STARTS: list[tuple[str, ...]] = [
    ("web",),
    ("-a", "web"),
    ("-ai", "web"),
    ("-a", "web", "nosuch"),
    ("nosuch", "web"),
    ("nosuch", "nosuch2"),
    ("-a", "nosuch"),
]


@pytest.mark.parametrize("words", STARTS, ids=" ".join)
def test_start(ours: Side, theirs: Side, words: tuple[str, ...]) -> None:
    outcomes = []
    for side in (ours, theirs):
        side("run", "--name", "web", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3")
        outcomes.append(side("start", *words))
    assert outcomes[0] == outcomes[1]


def test_an_init_reaps_and_passes_signals_on(it: Side) -> None:
    script = "sh -c 'sleep 0.1 & exit' & sleep 1; ps -o args | grep -c '\\[sleep\\]'; true"
    assert it("run", "--rm", "--init", "busybox", "sh", "-c", script).stdout == "0\n"
    with it.start("run", "--rm", "--init", "busybox", "sleep", "1000") as client:
        eventually(lambda: it("ps", "-q").stdout)
        client.send_signal(signal.SIGTERM)
        assert client.wait(20) == 143


def test_stdin_from_a_file_that_ends_and_a_slow_container(it: Side, tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_bytes(b"1234567\n" * 100_000)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        words = ("run", "-i", "--rm", "busybox", "sh", "-c", "sleep 0.5; wc -l")
        with it.start(*words, stdin=descriptor) as client:
            assert client.stdout is not None
            assert client.stdout.read() == b"100000\n"
            assert client.wait(20) == 0
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("words", ["run --rm {} busybox env", "exec {} web env"])
def test_a_file_of_variables_may_be_a_pipe_or_nothing(it: Side, words: str) -> None:
    it("run", "-d", "--name", "web", "busybox", "sleep", "1000")

    files = "--env-file <(echo A=1) --env-file /dev/null"
    result = it.shell(f"it {words.format(files)}")

    assert "A=1\n" in result.stdout
