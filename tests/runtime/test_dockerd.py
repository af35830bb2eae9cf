"""dockerd with our runtime in the place of runc; what runc fails too is not held against us."""

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wherry.testing.abilities import lacking
from wherry.testing.dockerd import Dockerd
from wherry.testing.runtime_command import write_runtime_command
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("root", "dockerd", "docker", "runc")


@pytest.fixture(scope="module")
def daemon() -> Iterator[Dockerd]:
    for ability in ("root", "dockerd", "docker"):
        if reason := lacking(ability):
            pytest.skip(f"needs {ability}: {reason}")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        program = write_runtime_command(Path(name))
        with Dockerd(f"--add-runtime=wherry={program}") as started:
            started.import_busybox()
            yield started


class Docker:
    """The client, with every container on one runtime."""

    def __init__(self, daemon: Dockerd, runtime: str) -> None:
        self.daemon = daemon
        self.runtime = runtime

    def __call__(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.daemon.docker(*words, check=check)

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self("run", "--runtime", self.runtime, *words, check=check)

    def inspect(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("inspect", name).stdout)[0]
        return found


@pytest.fixture(params=["runc", "wherry"])
def docker(daemon: Dockerd, request: pytest.FixtureRequest) -> Iterator[Docker]:
    yield Docker(daemon, request.param)
    names = daemon.docker("ps", "-aq").stdout.split()
    if names:
        daemon.docker("rm", "-f", "-v", *names)
    left = [path for path in Path("/sys/fs/cgroup").glob("*/docker/*") if path.name in names]
    assert left == []


@pytest.fixture
def sleeper(docker: Docker) -> str:
    docker.run("-d", "--name", "sleeper", "-m", "64m", "busybox", "sleep", "1000")
    return "sleeper"


def test_a_command_runs_with_its_output(docker: Docker) -> None:
    result = docker.run(
        "--rm", "-e", "A=b", "busybox", "sh", "-c", "echo $A; echo bad >&2; exit 3", check=False
    )

    assert (result.stdout, result.stderr, result.returncode) == ("b\n", "bad\n", 3)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("true",), 0),
        (("sh", "-c", "sleep 9 & kill -9 $!; wait $!"), 137),
        (("/etc",), 126),
        (("/etc/passwd",), 126),
        (("missing",), 127),
        (("/missing",), 127),
    ],
)
def test_exit_codes(docker: Docker, command: tuple[str, ...], code: int) -> None:
    assert docker.run("--rm", "busybox", *command, check=False).returncode == code


def test_a_missing_program_is_named(docker: Docker) -> None:
    result = docker.run("--rm", "busybox", "missing", check=False)

    assert 'exec: "missing": executable file not found in $PATH' in result.stderr


def test_stdin_reaches_the_command(docker: Docker) -> None:
    result = docker.daemon.docker(
        "run", "--runtime", docker.runtime, "--rm", "-i", "busybox", "cat", stdin=b"hello"
    )

    assert result.stdout == "hello"


class Typist:
    """A terminal with a `docker` command on it."""

    def __init__(self, docker: Docker, *words: str) -> None:
        self.master, slave = pty.openpty()
        self.seen = b""
        self.process = subprocess.Popen(
            ["docker", *words],
            env={**os.environ, "DOCKER_HOST": f"unix://{docker.daemon.socket}"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def expect(self, text: bytes) -> None:
        eventually(lambda: self._read() and text in self.seen, what=f"{text!r} in {self.seen!r}")

    def _read(self) -> bool:
        if select.select([self.master], [], [], 0.05)[0]:
            with contextlib.suppress(OSError):  # the other end is closed
                self.seen += os.read(self.master, 4096)
        return True

    def close(self) -> int:
        try:
            return self.process.wait(timeout=20)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.master)


def test_a_terminal(docker: Docker) -> None:
    typist = Typist(docker, "run", "--rm", "-it", "--runtime", docker.runtime, "busybox", "sh")
    typist.expect(b"# ")
    typist.type(b"tty; test -t 0 && echo is-a-$((40+2)); stty size\n")
    typist.expect(b"/dev/pts/0")
    typist.expect(b"is-a-42")
    typist.type(b"exit 5\n")

    assert typist.close() == 5


def test_an_exec(docker: Docker, sleeper: str) -> None:
    result = docker(
        "exec", "-e", "X=y", "-w", "/tmp", sleeper, "sh", "-c", "echo $X; pwd; exit 4", check=False
    )

    assert (result.stdout, result.returncode) == ("y\n/tmp\n", 4)
    assert docker("exec", sleeper, "ps").stdout.count("sleep 1000") == 1
    assert docker("exec", "-u", "1000:1000", sleeper, "id", "-u").stdout == "1000\n"
    assert docker("exec", sleeper, "missing", check=False).returncode in (126, 127)


def test_an_exec_on_a_terminal(docker: Docker, sleeper: str) -> None:
    typist = Typist(docker, "exec", "-it", sleeper, "sh")
    typist.expect(b"# ")
    typist.type(b"tty; exit 6\n")
    typist.expect(b"/dev/pts/0")

    assert typist.close() == 6


def test_stats_show_the_limit(docker: Docker, sleeper: str) -> None:
    line = json.loads(docker("stats", "--no-stream", "--format", "json", sleeper).stdout)

    assert line["MemUsage"].endswith(" / 64MiB")
    assert line["PIDs"] == "1"


def test_pause_and_unpause(docker: Docker) -> None:
    docker.run(
        "-d", "--name", "counter", "busybox", "sh", "-c", "while :; do echo x; sleep 0.01; done"
    )
    eventually(lambda: docker("logs", "counter").stdout)

    docker("pause", "counter")

    assert docker.inspect("counter")["State"]["Status"] == "paused"
    # What was in the pipe may still arrive.
    before = eventually(lambda: _settled(docker, "counter"))
    assert docker("exec", "counter", "true", check=False).returncode != 0
    docker("unpause", "counter")
    eventually(lambda: docker("logs", "counter").stdout.count("x") > before)


def _settled(docker: Docker, name: str) -> int:
    count = docker("logs", name).stdout.count("x")
    time.sleep(0.1)
    return count if docker("logs", name).stdout.count("x") == count else 0


def test_update(docker: Docker, sleeper: str) -> None:
    docker(
        "update",
        "-m",
        "128m",
        "--memory-swap",
        "256m",
        "--cpus",
        "0.5",
        "--pids-limit",
        "30",
        sleeper,
    )

    cgroup = docker.inspect(sleeper)["Id"]
    found = {
        path.name: path.read_text().strip()
        for pattern in (
            "memory.limit_in_bytes",
            "cpu.cfs_quota_us",
            "pids.max",
            "memory.max",
            "cpu.max",
        )
        # With cgroupfs as Docker's driver, and with systemd, its default on pure v2.
        for place in (f"docker/{cgroup}", f"docker-{cgroup}.scope")
        for path in Path("/sys/fs/cgroup").glob(f"**/{place}/{pattern}")
    }
    assert found.get("memory.limit_in_bytes", found.get("memory.max")) == str(128 << 20)
    assert found["pids.max"] == "30"
    assert found.get("cpu.cfs_quota_us", found.get("cpu.max")) in ("50000", "50000 100000")


def test_running_out_of_memory(docker: Docker) -> None:
    def is_told() -> bool:
        words = ("-m", "16m", "busybox", "sh", "-c", "exec tail /dev/zero")
        result = docker.run("--name", "eater", *words, check=False)
        assert result.returncode == 137
        told: bool = docker.inspect("eater")["State"]["OOMKilled"]
        docker("rm", "eater")
        return told

    # In containerd the news of the kill races with that of the exit, whatever the runtime.
    assert any(is_told() for _ in range(8))


def test_no_more_processes_than_allowed(docker: Docker) -> None:
    result = docker.run("--rm", "--pids-limit", "4", "busybox", "sh", "-c", FORKS, check=False)

    assert "can't fork: Resource temporarily unavailable" in result.stderr


FORKS = "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait"


def test_top_lists_the_processes(docker: Docker, sleeper: str) -> None:
    lines = docker("top", sleeper, "-o", "pid,cmd").stdout.splitlines()

    assert lines[0].split() == ["PID", "CMD"]
    assert lines[1].split(None, 1)[1] == "sleep 1000"


def test_a_stop_is_heeded_and_a_restart_starts_anew(docker: Docker) -> None:
    trap = "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done"
    docker.run("-d", "--name", "heeds", "busybox", "sh", "-c", trap)
    eventually(lambda: docker("logs", "heeds").stdout)

    docker("stop", "heeds")

    assert docker.inspect("heeds")["State"]["ExitCode"] == 7
    docker("start", "heeds")
    eventually(lambda: docker("logs", "heeds").stdout == "up\nup\n")
    docker("kill", "heeds")
    assert docker("wait", "heeds").stdout == "137\n"


def test_a_signal_is_delivered(docker: Docker) -> None:
    trap = "trap 'echo got; exit 0' USR1; echo up; while :; do sleep 0.05; done"
    docker.run("-d", "--name", "signalled", "busybox", "sh", "-c", trap)
    eventually(lambda: docker("logs", "signalled").stdout)

    docker("kill", "-s", "USR1", "signalled")

    assert docker("wait", "signalled").stdout == "0\n"
    assert docker("logs", "signalled").stdout == "up\ngot\n"


def test_the_first_process_takes_the_others_with_it(docker: Docker) -> None:
    docker.run("-d", "--name", "many", "busybox", "sh", "-c", "sleep 1000 & sleep 1000 & wait")
    pid = docker.inspect("many")["State"]["Pid"]
    children = Path(f"/proc/{pid}/task/{pid}/children")
    eventually(lambda: len(children.read_text().split()) == 2)
    pids = children.read_text().split()

    os.kill(pid, signal.SIGKILL)

    eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in pids))
    assert docker("wait", "many").stdout == "137\n"


@pytest.mark.parametrize(
    ("options", "script", "output"),
    [
        (("--user", "1000:1000"), "id -u; id -g", "1000\n1000\n"),
        (("--read-only",), "touch /x 2>&1", "touch: /x: Read-only file system\n"),
        (("--tmpfs", "/t:size=1m"), "df -m /t | tail -1 | awk '{print $2}'", "1\n"),
        (("--hostname", "web"), "hostname", "web\n"),
        (("--network", "host"), "true", ""),
        (("--pid", "host"), "test $$ -gt 1 && echo host", "host\n"),
        (("--cap-drop", "ALL"), "grep CapEff /proc/self/status | cut -f2", "0" * 16 + "\n"),
        (("--sysctl", "kernel.msgmax=4096"), "cat /proc/sys/kernel/msgmax", "4096\n"),
        (("--ulimit", "nofile=100:200"), "ulimit -n", "100\n"),
        (
            ("--security-opt", "no-new-privileges"),
            "grep NoNewPrivs /proc/self/status",
            "NoNewPrivs:\t1\n",
        ),
        (("--device", "/dev/loop-control"), "test -c /dev/loop-control && echo yes", "yes\n"),
        (("-w", "/new/folder"), "pwd", "/new/folder\n"),
        (("--oom-score-adj", "500"), "cat /proc/self/oom_score_adj", "500\n"),
    ],
    ids=lambda value: value[0].lstrip("-") if isinstance(value, tuple) else "",
)
def test_options(docker: Docker, options: tuple[str, ...], script: str, output: str) -> None:
    if "/dev/loop-control" in options and not Path("/dev/loop-control").exists():
        pytest.skip("no loop-control")

    result = docker.run("--rm", *options, "busybox", "sh", "-c", script, check=False)

    assert result.stdout == output, result.stderr


INSIDE = """
grep -E '^(Cap|Seccomp|NoNewPrivs|Groups|Sig[BI])' /proc/self/status
ls -l /dev /proc/self/fd | awk '{print $1, $3, $4}'
awk '{print $5, $6}' /proc/self/mountinfo
ulimit -a
env | sort
"""


def test_both_runtimes_show_a_container_the_same(daemon: Dockerd) -> None:
    def seen(runtime: str) -> list[str]:
        words = ("--runtime", runtime, "--hostname", "same", "busybox", "sh", "-c", INSIDE)
        return daemon.docker("run", "--rm", *words).stdout.splitlines()

    # The tmpfs that holds the cgroup mounts is read-only with us, as its mount asks; runc forgets.
    writable, read_only = (f"/sys/fs/cgroup {mode},nosuid" for mode in ("rw", "ro"))
    theirs = [line.replace(writable, read_only) for line in seen("runc")]
    # Sorted: the order in which paths are hidden does not matter.
    assert sorted(seen("wherry")) == sorted(theirs)
