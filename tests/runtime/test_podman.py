"""podman with our runtime in the place of runc."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.linux.cgroup.manager import open_manager
from wherry.testing.runtime_command import busybox_root, write_runtime_command
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("root", "podman", "runc")
PARENT = f"/wherry-podman-{os.getpid()}"


class Podman:
    """The command on folders of its own, with a root filesystem instead of images."""

    def __init__(self, folder: Path, runtime: str) -> None:
        self.folder = folder
        self.runtime = runtime

    def __call__(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [
                "podman",
                *("--root", self.folder / "root", "--runroot", self.folder / "run"),
                *("--tmpdir", self.folder / "tmp", "--cgroup-manager", "cgroupfs"),
                *("--events-backend", "none", "--log-level", "error", "--runtime", self.runtime),
                *words,
            ],
            cwd=self.folder,  # conmon notes an out-of-memory kill where it was started
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and result.returncode != 0:
            raise AssertionError(f"podman {' '.join(words)}: {result.stderr}")
        return result

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        # Its default limits are above what a machine without CAP_SYS_RESOURCE may set.
        limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=500:500")
        split = words.index("--")
        return self(
            *("run", "--network", "none", *limits),
            *words[:split],
            *("--cgroup-parent", PARENT),
            *("--rootfs", str(self.folder / "rootfs")),
            *words[split + 1 :],
            check=check,
        )


@pytest.fixture(params=["runc", "wherry"])
def podman(request: pytest.FixtureRequest) -> Iterator[Podman]:
    # Its storage may still be busy when it has said that all is gone.
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        busybox_root(folder / "rootfs")
        program = write_runtime_command(folder)
        runtime = str(program) if request.param == "wherry" else shutil.which("runc") or "runc"
        podman = Podman(folder, runtime)
        yield podman
        podman("rm", "-f", "-a", "-t", "0")
    parent = open_manager(PARENT)
    left = [path for place in parent.paths.values() for path in place.glob("libpod-*")]
    assert left == []
    parent.signal_all(signal.SIGKILL)  # conmon, podman's own, may not have ended yet
    assert parent.wait_until_empty(10)
    parent.delete()


def test_a_command_runs(podman: Podman) -> None:
    result = podman.run("--rm", "--", "sh", "-c", "echo hi; exit 3", check=False)

    assert (result.stdout, result.returncode) == ("hi\n", 3), result.stderr


def test_a_missing_program_is_127(podman: Podman) -> None:
    assert podman.run("--rm", "--", "missing", check=False).returncode == 127


def test_a_detached_container_and_what_can_be_done_with_it(podman: Podman) -> None:
    podman.run("-d", "--name", "web", "-m", "64m", "--", "sleep", "1000")

    assert podman("exec", "web", "sh", "-c", "echo x; exit 4", check=False).returncode == 4
    podman("pause", "web")
    assert podman("inspect", "-f", "{{.State.Status}}", "web").stdout == "paused\n"
    podman("unpause", "web")
    line = json.loads(podman("stats", "--no-stream", "--format", "json", "web").stdout)[0]
    assert line["mem_usage"].endswith("67.11MB")
    assert podman("top", "web", "args").stdout.splitlines()[1].strip() == "sleep 1000"
    podman("kill", "web")
    eventually(lambda: podman("inspect", "-f", "{{.State.ExitCode}}", "web").stdout == "137\n")


def test_an_exec_on_a_terminal_has_one(podman: Podman) -> None:
    podman.run("-d", "--name", "web", "--", "sleep", "1000")

    assert podman("exec", "-t", "web", "tty").stdout.strip() == "/dev/pts/0"


def test_running_out_of_memory(podman: Podman) -> None:
    words = ("--rm", "-m", "16m", "--", "tail", "/dev/zero")

    assert podman.run(*words, check=False).returncode == 137


def test_a_user_namespace(podman: Podman) -> None:
    podman.folder.chmod(0o755)
    root = podman.folder / "rootfs"
    for path in (root, *root.rglob("*")):  # the root's owner is the container's
        os.chown(path, 100_000, 100_000, follow_symlinks=False)
    maps = ("--uidmap", "0:100000:5000", "--gidmap", "0:100000:5000")
    script = "id -u; cat /proc/self/uid_map; echo lost >/dev/null; head -c 3 /dev/zero | wc -c"

    podman.run("-d", "--name", "web", *maps, "--", "sleep", "1000")

    words = podman("exec", "web", "sh", "-c", script).stdout.split()
    assert words == ["0", "0", "100000", "5000", "3"]
