"""The same container on our runtime, runc and crun: --runtime."""

import json

import pytest

from wherry.testing.abilities import why_not_run
from wherry.testing.command import Wherry

pytestmark = pytest.mark.needs("containers")


@pytest.fixture(params=["wherry", "runc", "crun"])
def runtime(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name != "wherry" and (reason := why_not_run(name)):
        pytest.skip(reason)
    return name


def test_a_command_runs_with_its_output_and_network(wherry: Wherry, runtime: str) -> None:
    script = "echo out; echo err >&2; ip addr show eth0 | grep -c 'inet '; exit 3"

    result = wherry("run", "--rm", "--runtime", runtime, "busybox", "sh", "-c", script, check=False)

    assert (result.stdout, result.stderr, result.returncode) == ("out\n1\n", "err\n", 3)


def test_stdin_reaches_the_command(wherry: Wherry, runtime: str) -> None:
    words = ("run", "--rm", "-i", "--runtime", runtime, "busybox", "cat")

    assert wherry(*words, stdin=b"hello").stdout == "hello"


def test_a_missing_program_is_127_and_named(wherry: Wherry, runtime: str) -> None:
    result = wherry("run", "--runtime", runtime, "busybox", "missing", check=False)

    assert result.returncode == 127
    assert "executable file" in result.stderr


def test_a_terminal(wherry: Wherry, runtime: str) -> None:
    result = wherry("run", "--rm", "-t", "--runtime", runtime, "busybox", "tty")

    assert result.stdout.strip() == "/dev/pts/0"


def test_a_container_and_what_can_be_done_with_it(wherry: Wherry, runtime: str) -> None:
    wherry(
        "run", "-d", "--name", "web", "-m", "64m", "--runtime", runtime, "busybox", "sleep", "99"
    )

    assert wherry("exec", "web", "sh", "-c", "exit 4", check=False).returncode == 4
    wherry("pause", "web")
    assert wherry("inspect", "-f", "{{.State.Status}}", "web").stdout == "paused\n"
    wherry("unpause", "web")
    stats = json.loads(wherry("stats", "--no-stream", "--format", "json", "web").stdout)
    assert stats["MemUsage"].endswith(" / 64MiB")
    wherry("restart", "-t", "0", "web")
    wherry("kill", "web")
    assert wherry("wait", "web").stdout == "137\n"
    assert wherry("inspect", "-f", "{{.HostConfig.Runtime}}", "web").stdout == f"{runtime}\n"


def test_an_unknown_runtime_is_refused(wherry: Wherry) -> None:
    result = wherry("run", "--runtime", "none-such", "busybox", "true", check=False)

    assert result.returncode == 125
    assert "unknown or invalid runtime name: none-such" in result.stderr
