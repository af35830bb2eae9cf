"""containerd, through its own shim, with our runtime in the place of runc."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.testing.runtime_command import busybox_root, write_runtime_command
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("root", "containerd", "runc")


class Containerd:
    """A daemon in folders of its own; called, it is `ctr`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "config.toml").write_text(
            f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\n  address = "{folder}/socket"\n'
            f'[ttrpc]\n  address = "{folder}/socket.ttrpc"\n'
        )
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["containerd", "-c", folder / "config.toml"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def __call__(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            ["ctr", "-a", self.folder / "socket", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and result.returncode != 0:
            raise AssertionError(f"ctr {' '.join(words)}: {result.stderr}")
        return result


# runc keeps its state by these names, whatever folder the daemon has.
ONE, TWO = f"one-{os.getpid()}", f"two-{os.getpid()}"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Containerd]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        daemon = Containerd(Path(name))
        try:
            busybox_root(Path(name) / "rootfs")
            write_runtime_command(Path(name))
            eventually(lambda: daemon("version", check=False).returncode == 0, seconds=20)
            yield daemon
        finally:
            daemon.process.terminate()
            daemon.process.wait(timeout=20)


@pytest.fixture(params=["runc", "wherry"])
def run(daemon: Containerd, request: pytest.FixtureRequest) -> Iterator[tuple[str, ...]]:
    """The words that start a container."""
    own = str(daemon.folder / "wherry-runtime")
    program = own if request.param == "wherry" else shutil.which("runc") or "runc"
    cgroup = f"/wherry-containerd-{os.getpid()}"
    yield ("run", "--runc-binary", program, "--cgroup", cgroup, "--rootfs")
    left = [str(path) for path in Path("/sys/fs/cgroup").glob(f"*{cgroup}")]
    assert left == []


def test_a_command_runs(daemon: Containerd, run: tuple[str, ...]) -> None:
    root = str(daemon.folder / "rootfs")
    result = daemon(*run, "--rm", root, ONE, "/bin/sh", "-c", "echo hi; exit 4", check=False)

    assert (result.stdout, result.returncode) == ("hi\n", 4)


def test_a_task_and_what_can_be_done_with_it(daemon: Containerd, run: tuple[str, ...]) -> None:
    daemon(*run, "-d", str(daemon.folder / "rootfs"), TWO, "/bin/sleep", "1000")
    script = ("/bin/sh", "-c", "echo ex; exit 5")

    result = daemon("tasks", "exec", "--exec-id", "e1", TWO, *script, check=False)

    assert (result.stdout, result.returncode) == ("ex\n", 5)
    assert len(daemon("tasks", "ps", TWO).stdout.splitlines()) == 2
    daemon("tasks", "pause", TWO)
    assert "PAUSED" in daemon("tasks", "ls").stdout
    daemon("tasks", "resume", TWO)
    assert "memory." in daemon("tasks", "metrics", TWO).stdout
    daemon("tasks", "kill", "-s", "SIGKILL", TWO)
    eventually(lambda: "STOPPED" in daemon("tasks", "ls").stdout)
    daemon("tasks", "rm", TWO, check=False)  # exits with the task's 137
    daemon("containers", "rm", TWO)
