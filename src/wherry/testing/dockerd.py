"""A Docker daemon of a test's or benchmark's own, to compare with.

It runs in mount and network namespaces of its own, so that neither its mounts nor its bridge
and firewall rules meet those of the machine, and in folders that go away with it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from wherry.testing.waiting import eventually

# A containerd that the machine runs would be used, which does not see the mounts made here.
_BEGIN = """
ip link set lo up
[ ! -d /run/containerd ] || mount -t tmpfs tmpfs /run/containerd
exec "$@"
"""


class Dockerd:
    """A running daemon; `docker(...)` is the stock client talking to it."""

    def __init__(self, *options: str, own_network: bool = True) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dockerd-", dir="/var/tmp"))
        self.socket = self.folder / "docker.sock"
        self.log = self.folder / "log"
        self._options = options
        self._own_network = own_network
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Dockerd":
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("unshare", "--mount"),
                    *(("--net",) if self._own_network else ()),
                    *("sh", "-ec", _BEGIN, "sh", "dockerd"),
                    f"--data-root={self.folder}/data",
                    f"--exec-root={self.folder}/exec",
                    f"--pidfile={self.folder}/pid",
                    f"--host=unix://{self.socket}",
                    *self._options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            eventually(self._answers, seconds=30, what="dockerd answers")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"dockerd ended: {self.log.read_text()[-2000:]}")
        return self.socket.exists() and self.docker("version", check=False).returncode == 0

    @property
    def pid(self) -> int:
        """The daemon's process, whose namespaces its containers can be reached from."""
        return int((self.folder / "pid").read_text())

    @property
    def environment(self) -> dict[str, str]:
        """What the stock client needs in its environment to find this daemon."""
        return {**os.environ, "DOCKER_HOST": f"unix://{self.socket}"}

    def docker(
        self, *words: str, check: bool = True, stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the stock client with `words`; output as text."""
        result = subprocess.run(
            ["docker", *words],
            env=self.environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
        )
        answer = subprocess.CompletedProcess(
            result.args,
            result.returncode,
            result.stdout.decode(errors="surrogateescape"),
            result.stderr.decode(errors="surrogateescape"),
        )
        if check and answer.returncode != 0:
            raise AssertionError(f"docker {' '.join(words)}: {answer.stderr}")
        return answer

    def import_busybox(self, reference: str = "busybox:latest") -> None:
        """Give the daemon an image of the machine's static busybox."""
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            for folder in ("bin", "etc", "root", "tmp", "usr", "var"):
                (root / folder).mkdir()
            (root / "tmp").chmod(0o1777)
            shutil.copy("/bin/busybox", root / "bin")
            subprocess.run(["chroot", name, "/bin/busybox", "--install", "-s", "/bin"], check=True)
            (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
            (root / "etc/group").write_text("root:x:0:\n")
            tar = subprocess.run(["tar", "-C", name, "-c", "."], check=True, capture_output=True)
        self.docker("import", "-c", 'CMD ["sh"]', "-", reference, stdin=tar.stdout)

    def remove_everything(self) -> None:
        """Remove the containers, volumes and networks that tests have made."""
        containers = self.docker("ps", "-aq").stdout.split()
        if containers:
            self.docker("rm", "-f", "-v", *containers)
        volumes = self.docker("volume", "ls", "-q").stdout.split()
        if volumes:
            self.docker("volume", "rm", "-f", *volumes)
        self.docker("network", "prune", "-f")

    def stop(self) -> None:
        """End the daemon with its containers and remove its folders."""
        if self._process is not None and self._process.poll() is None:
            names = self.docker("ps", "-aq", check=False).stdout.split()
            if names:
                self.docker("rm", "-f", *names, check=False)
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
