"""With the launcher, without it, and with one that is killed all the time: the same results."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.conftest import kill, parent_of, processes_of, shims_of, supervisors_of
from wherry.shim.knock import KNOCK, knock
from wherry.testing.command import Wherry
from wherry.testing.service import end_service, start_service
from wherry.testing.waiting import eventually

pytestmark = [pytest.mark.needs("containers", "nftables"), pytest.mark.timeout(120)]


def launchers_of(wherry: Wherry) -> list[int]:
    """Launchers, and children at work on a request, which look alike; no supervisors."""
    return programs_of(wherry, "wherry-launcher")


def programs_of(wherry: Wherry, name: str) -> list[int]:
    found = []
    for pid in set(processes_of(wherry)) - set(supervisors_of(wherry)):
        with suppress(OSError):
            if name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


@pytest.mark.parametrize("mode", ["warm", "off", "killed"])
def test_the_same_with_and_without_a_launcher(clean: Wherry, mode: str) -> None:
    def do(*words: str) -> tuple[int, str, str]:
        if mode == "killed":
            kill(launchers_of(clean))
            eventually(lambda: launchers_of(clean) == [], what="the launcher dead")
        launcher = "off" if mode == "off" else "on"
        result = clean(*words, check=False, WHERRY_LAUNCHER=launcher)
        return result.returncode, result.stdout, result.stderr

    assert do("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7") == (
        7,
        "out\n",
        "err\n",
    )
    code, identity, _ = do("run", "-d", "--name", "it", "-p", "80", "busybox", "sleep", "100")
    assert (code, len(identity)) == (0, 65)
    assert do("exec", "it", "sh", "-c", "echo in; exit 3") == (3, "in\n", "")
    assert do("exec", "-d", "it", "sleep", "100") == (0, "", "")
    assert do("restart", "-t", "0", "it") == (0, "it\n", "")
    assert do("stop", "-t", "0", "it") == (0, "it\n", "")
    assert do("inspect", "-f", "{{.State.ExitCode}}", "it") == (0, "137\n", "")
    assert do("start", "it") == (0, "it\n", "")
    assert do("rm", "-f", "it") == (0, "it\n", "")
    code, output, errors = do("run", "--rm", "busybox", "nonsense")
    assert (code, output) == (127, "")
    assert "executable file not found" in errors


BEGIN = """
import sys
from wherry.shim.own_child import begin
begin(sys.argv[1:])
sys.stdin.read()
"""


def test_a_child_that_was_begun_for_nothing_ends(clean: Wherry) -> None:
    client = subprocess.Popen(
        [sys.executable, "-c", BEGIN, "run", "--rm"],
        stdin=subprocess.PIPE,
        env={**clean.environment, "WHERRY_LAUNCHER": "off"},
    )
    eventually(lambda: programs_of(clean, "wherry-child"), what="the child waits")

    client.communicate(timeout=30)

    assert client.returncode == 0
    eventually(lambda: programs_of(clean, "wherry-child") == [], what="nothing of it left")


@pytest.mark.parametrize("launcher", ["on", "off"])
def test_the_installed_command(clean: Wherry, launcher: str) -> None:
    result = subprocess.run(
        [Path(sys.executable).with_name("wherry"), "run", "--rm", "busybox", "echo", "hi"],
        env={**clean.environment, "WHERRY_LAUNCHER": launcher},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "hi\n", "")


def test_a_request_in_the_queue_of_a_killed_launcher_is_done_by_another(clean: Wherry) -> None:
    clean("run", "--rm", "busybox", "true")
    launcher = launcher_of(clean)

    os.kill(launcher, signal.SIGSTOP)
    client = clean.start("run", "--rm", "busybox", "echo", "done")
    eventually(lambda: queued(clean) == 1, what="the request in the queue")
    os.kill(launcher, signal.SIGKILL)

    assert client.communicate(timeout=60) == (b"done\n", b"")
    assert launcher_of(clean) != launcher


@pytest.mark.parametrize("words", [("run", "--rm", "busybox", "echo", "done"), ("ps", "-a")])
def test_a_request_whose_child_is_killed_before_it_began_is_done_by_another(
    clean: Wherry, words: tuple[str, ...]
) -> None:
    clean("run", "--rm", "busybox", "true")
    launcher = launcher_of(clean)
    (nursery,) = eventually(lambda: nurseries_of(clean, launcher), what="a nursery with a child")
    forker = launcher if words[0] == "ps" else nursery

    def spares() -> list[int]:
        return [pid for pid in children_of(clean, forker) if pid != nursery]

    (spare,) = eventually(spares, what="a child forked ahead")
    (worker,) = eventually(lambda: children_of(clean, spare), what="the child's worker")

    os.kill(worker, signal.SIGSTOP)
    client = clean.start(*words)
    # A launcher that forks the next one ahead has handed the request over.
    eventually(lambda: spares() != [spare], what="another forked ahead")
    os.kill(worker, signal.SIGKILL)
    output, errors = client.communicate(timeout=60)

    assert (client.returncode, errors) == (0, b"")
    assert output.startswith((b"done\n", b"CONTAINER ID"))


@pytest.mark.needs("docker")
def test_an_exec_over_the_api_is_done_whatever_becomes_of_the_launcher(
    clean: Wherry, tmp_path: Path
) -> None:
    clean("run", "-d", "--name", "it", "busybox", "sleep", "100")
    service = start_service(clean, tmp_path / "docker.sock")
    launcher = launcher_of(clean)
    (nursery,) = eventually(lambda: nurseries_of(clean, launcher), what="a nursery with a child")
    (spare,) = eventually(lambda: children_of(clean, nursery), what="a child forked ahead")
    (worker,) = eventually(lambda: children_of(clean, spare), what="the child's worker")

    def start_exec() -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "DOCKER_HOST": service.address}
        command = ["docker", "exec", "it", "echo", "done"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe)

    os.kill(worker, signal.SIGSTOP)
    client = start_exec()
    # A nursery that forks the next one ahead has handed the request over.
    eventually(lambda: set(children_of(clean, nursery)) - {spare}, what="another forked ahead")
    os.kill(worker, signal.SIGKILL)
    assert client.communicate(timeout=60) == (b"done\n", b"")

    clean("system", "launcher", "stop")
    assert start_exec().communicate(timeout=60) == (b"done\n", b"")
    end_service(service)
    clean("rm", "-f", "it")


def launcher_of(wherry: Wherry) -> int:
    """The launcher itself: clients have started and left it, and it has their socket."""
    path = str(wherry.run_folder / "launcher.sock")
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    sockets = {f"socket:[{words[6]}]" for words in lines if words[-1] == path}
    (launcher,) = [
        pid
        for pid in launchers_of(wherry)
        if parent_of(pid) == 1 and not sockets.isdisjoint(links_of(pid))
    ]
    return launcher


def links_of(pid: int) -> set[str]:
    """What the descriptors of a process lead to."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found.add(os.readlink(descriptor))
    return found


def nurseries_of(wherry: Wherry, launcher: int) -> list[int]:
    """Children of the launcher that have children of whom there is a worker each."""
    return [
        pid
        for pid in children_of(wherry, launcher)
        if any(children_of(wherry, child) for child in children_of(wherry, pid))
    ]


def children_of(wherry: Wherry, pid: int) -> list[int]:
    return [child for child in launchers_of(wherry) if parent_of(child) == pid]


def queued(wherry: Wherry) -> int:
    """How many connections the launcher's socket has that nobody has accepted."""
    path = str(wherry.run_folder / "launcher.sock")
    lines = Path("/proc/net/unix").read_text().splitlines()
    return sum(line.endswith(path) for line in lines) - 1


def test_idle_supervisors_are_small(clean: Wherry) -> None:
    for number in range(20):
        clean("run", "-d", "--name", f"idle{number}", "busybox", "sleep", "1000")

    shims = shims_of(clean)

    assert len(shims) == 20
    eventually(lambda: supervisors_of(clean) == shims, what="all asleep")
    assert sum(map(shared_memory_of, shims)) / 20 < 1100  # KiB


def test_a_container_whose_supervisor_sleeps_is_served(clean: Wherry) -> None:
    echo = "while read line; do echo $line; [ $line = end ] && exit 7; done"
    client = clean.start(
        "run", "-i", "-p", "18995:80", "--restart=on-failure:1", "--name", "it",
        "busybox", "sh", "-c", f"printf part; {echo}",
    )  # fmt: skip
    assert client.stdin is not None
    assert client.stdout is not None
    assert client.stdout.read(4) == b"part"
    waiting = clean.start("wait", "it")
    shims = shims_of(clean)

    def falls_asleep() -> None:
        eventually(lambda: supervisors_of(clean) == shims, what="asleep")

    falls_asleep()
    client.stdin.write(b"ial\n")
    client.stdin.flush()
    assert client.stdout.readline() == b"ial\n"
    clean("pause", "it")
    clean("unpause", "it")
    clean("restart", "-t", "0", "it")
    client.communicate(timeout=30)
    assert client.returncode == 137
    assert waiting.communicate(timeout=30)[0] == b"137\n"

    falls_asleep()
    assert shims_of(clean) == shims
    again = clean.start("attach", "it")
    answer = again.communicate(b"end\n", timeout=30)[0]
    assert answer.endswith(b"end\n")
    assert clean("logs", "it").stdout.startswith("partial\npart")
    clean("rm", "-f", "it")


def test_names_are_served_while_the_supervisor_sleeps(clean: Wherry) -> None:
    clean("network", "create", "quiet")
    clean("run", "-d", "--name", "it", "--network", "quiet", "busybox", "sleep", "100")
    (shim,) = shims_of(clean)
    eventually(lambda: supervisors_of(clean) == [shim], what="asleep")

    assert "Name:\tit" in clean("exec", "it", "nslookup", "it", "127.0.0.11").stdout

    eventually(lambda: supervisors_of(clean) == [shim], what="asleep again")
    clean("network", "disconnect", "quiet", "it")
    clean("network", "connect", "quiet", "it")
    assert shims_of(clean) == [shim]
    clean("rm", "-f", "it")
    clean("network", "rm", "quiet")


def test_a_killed_nursery_is_not_missed(clean: Wherry) -> None:
    clean("run", "--rm", "busybox", "true")
    launcher = launcher_of(clean)
    (nursery,) = eventually(lambda: nurseries_of(clean, launcher), what="a nursery with a child")

    kill([nursery])
    knock(str(clean.run_folder))

    assert clean("run", "--rm", "busybox", "echo", "done").stdout == "done\n"
    assert launcher_of(clean) == launcher


def test_a_knock_asks_for_nothing(clean: Wherry) -> None:
    clean("run", "-d", "--name", "it", "busybox", "sleep", "100")
    launcher = launcher_of(clean)
    path = str(clean.run_folder / "launcher.sock")

    for said in (KNOCK, b"", KNOCK * 3, KNOCK + b"\0\0\0\x01"):
        for _ in range(100):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                client.send(said)
    assert clean("exec", "it", "echo", "done").stdout == "done\n"
    assert launcher_of(clean) == launcher
    clean("rm", "-f", "it")


def test_a_probe_wakes_a_supervisor(clean: Wherry) -> None:
    clean("run", "-d", "--name", "it", "--health-cmd", "test -e /tmp/well",
          "--health-interval", "3s", "busybox", "sleep", "100")  # fmt: skip
    (shim,) = shims_of(clean)
    eventually(lambda: supervisors_of(clean) == [shim], what="asleep")
    clean("exec", "it", "touch", "/tmp/well")

    eventually(
        lambda: clean("inspect", "-f", "{{.State.Health.Status}}", "it").stdout == "healthy\n",
        what="a probe that succeeded",
    )
    assert shims_of(clean) == [shim]


def shared_memory_of(pid: int) -> int:
    """A process's share of what it has in memory (PSS), in KiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError("no Pss in smaps_rollup")


def test_two_commands_start_one_launcher(clean: Wherry) -> None:
    clean("system", "launcher", "stop")
    eventually(lambda: launchers_of(clean) == [], what="the launcher gone")

    crowd = [clean.start("run", "--rm", "busybox", "true") for _ in range(4)]

    assert [process.communicate(timeout=60) for process in crowd] == [(b"", b"")] * 4
    eventually(lambda: len(roots_among(launchers_of(clean))) == 1, what="one launcher")


def roots_among(pids: list[int]) -> list[int]:
    """Those that none of the others has forked."""
    return [pid for pid in pids if parent_of(pid) not in pids]
