"""A machine that goes down: every process dies at once, and what was in RUN is gone."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from wherry.linux.inotify import Change, Inotify
from wherry.linux.process import process_state
from wherry.testing.command import Wherry
from wherry.testing.traces import left_on_disk, survey
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("containers")

SLEEP = ("busybox", "sleep", "1000")


def reboot(wherry: Wherry) -> None:
    """As far as an installation can tell."""
    inside = wherry("ps", "-q").stdout.split()
    pids = [int(wherry("inspect", "-f", "{{.State.Pid}}", name).stdout) for name in inside]
    folders = (wherry.root, wherry.run_folder)
    pids += [int(line.split()[0]) for line in survey(*folders).processes]
    # Held first: no supervisor must see its container end.
    send(pids, signal.SIGSTOP)
    eventually(lambda: all(map(stands_still, pids)), what="everything stands still")
    send(pids, signal.SIGKILL)
    eventually(lambda: not survey(*folders).processes, what="everything of the installation ended")
    shutil.rmtree(wherry.run_folder)


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def stands_still(pid: int) -> bool:
    try:
        return process_state(pid) in "TZ"
    except OSError:
        return True


def states(wherry: Wherry) -> dict[str, str]:
    lines = wherry("ps", "-a", "--format", "{{.Names}} {{.State}}").stdout.splitlines()
    return {name: state for name, _, state in (line.partition(" ") for line in lines)}


def test_policies_decide_what_runs_after_a_reboot(wherry: Wherry) -> None:
    policies = {
        "always": "always",
        "always-stopped": "always",
        "unless": "unless-stopped",
        "unless-stopped": "unless-stopped",
        "failing": "on-failure",
        "plain": "no",
    }
    for name, policy in policies.items():
        wherry("run", "-d", "--name", name, "--restart", policy, "-e", f"NAME={name}", *SLEEP)
    wherry("run", "-d", "--name", "passing", "--rm", *SLEEP)
    wherry("stop", "-t", "0", "always-stopped", "unless-stopped")

    reboot(wherry)
    restored = wherry("system", "restore")

    assert restored.stdout.split() == ["always", "always-stopped", "unless"]
    assert restored.stderr == ""
    assert states(wherry) == {
        "always": "running",
        "always-stopped": "running",
        "unless": "running",
        "unless-stopped": "exited",
        "failing": "exited",
        "plain": "exited",
    }
    seen = "{{.State.ExitCode}} {{.State.Pid}} {{.State.FinishedAt}}"
    code, pid, finished = wherry("inspect", "-f", seen, "plain").stdout.split()
    assert (code, pid) == ("255", "0")
    assert not finished.startswith("0001")
    assert wherry("exec", "unless", "sh", "-c", "echo $NAME").stdout == "unless\n"


def test_a_shutdown_is_no_stop_by_hand(wherry: Wherry) -> None:
    loop = 'trap "exit 7" USR1; while :; do sleep 0.1; done'
    words = ("--restart", "unless-stopped", "--stop-signal", "USR1", "busybox", "sh", "-c", loop)
    wherry("run", "-d", "--name", "web", *words)
    wherry("run", "-d", "--name", "plain", "--stop-signal", "KILL", *SLEEP)
    wherry("run", "-d", "--name", "paused", "--stop-signal", "KILL", *SLEEP)
    wherry("pause", "paused")
    wherry("run", "-d", "--name", "failing", "--restart", "always", "busybox", "false")

    assert set(wherry("system", "shutdown").stdout.split()) == {"web", "plain", "paused", "failing"}
    seen = wherry("inspect", "-f", "{{.State.ExitCode}}", "web", "plain").stdout
    assert (states(wherry), seen.split()) == (
        dict.fromkeys(("web", "plain", "paused", "failing"), "exited"),
        ["7", "137"],
    )
    assert wherry("system", "shutdown").stdout == ""
    assert wherry("system", "restore").stdout.split() == ["web", "failing"]


@pytest.mark.parametrize("point", ["end recorded", "container forgotten"])
def test_what_a_reboot_cut_short_is_finished(wherry: Wherry, point: str) -> None:
    words = ("run", "-d", "--rm", "-v", "/anonymous", "-p", "127.0.0.1::80", "busybox", "true")
    subprocess.run(
        [sys.executable, "-m", "wherry.testing.killed", point, *words],
        env=wherry.environment,
        check=True,
        capture_output=True,
    )

    reboot(wherry)
    wherry("system", "restore")

    assert wherry("ps", "-aq").stdout == ""
    assert left_on_disk(wherry.root, wherry.run_folder) == []


def test_where_nothing_was_cut_short_nothing_is_staged(wherry: Wherry) -> None:
    wherry("create", "-v", "data:/data", "busybox")

    with Inotify() as tmp:
        tmp.watch(wherry.root / "tmp", Change.CREATE)
        wherry("system", "restore")
        assert [name for _, _, name in tmp.changes() if not name.startswith(".")] == []


def test_nothing_is_started_by_a_command_that_only_looks(wherry: Wherry) -> None:
    wherry("run", "-d", "--name", "web", "--restart", "always", *SLEEP)

    reboot(wherry)

    assert states(wherry) == {"web": "exited"}
    assert wherry("run", "--rm", "busybox", "echo", "hello").stdout == "hello\n"
    assert states(wherry) == {"web": "exited"}
    assert wherry("system", "restore").stdout == "web\n"
    assert wherry("system", "restore").stdout == ""  # it runs: nothing is left to do


def test_addresses_and_ports_are_handed_out_anew(wherry: Wherry) -> None:
    where = "{{.NetworkSettings.IPAddress}}"
    words = ("--restart", "always", "-p", "127.0.0.1:18123:80")
    wherry("run", "-d", "--name", "web", *words, *SLEEP)
    wherry("run", "-d", "--name", "plain", *SLEEP)

    reboot(wherry)
    wherry("system", "restore")
    wherry("start", "plain")

    addresses = {wherry("inspect", "-f", where, name).stdout for name in ("web", "plain")}
    assert len(addresses) == 2
    assert wherry("port", "web").stdout == "80/tcp -> 127.0.0.1:18123\n"


def test_one_that_cannot_be_started_does_not_keep_the_others(wherry: Wherry) -> None:
    folder = wherry.root / "gone-tomorrow"
    folder.mkdir()
    mount = ("--mount", f"type=bind,src={folder},dst=/x")
    wherry("run", "-d", "--name", "broken", "--restart", "always", *mount, *SLEEP)
    wherry("run", "-d", "--name", "web", "--restart", "always", *SLEEP)

    reboot(wherry)
    folder.rmdir()
    restored = wherry("system", "restore", check=False)

    assert restored.returncode == 1
    assert restored.stdout == "web\n"
    assert "container broken was not started" in restored.stderr
    assert states(wherry) == {"broken": "exited", "web": "running"}
