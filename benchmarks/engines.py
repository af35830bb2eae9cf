"""The engines that are compared: each is a command with an environment, on folders of its own."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wherry.network.plug import remove_bridge_if_unused
from wherry.store.store import Store
from wherry.testing.dockerd import Dockerd

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Peer:
    """`command` takes the words of Docker's command line."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    run_options: tuple[str, ...] = ()

    def words_of(self, words: Sequence[str]) -> list[str]:
        """The whole command line."""
        options = self.run_options if words[0] == "run" else ()
        return [*self.command, *words[:1], *options, *words[1:]]

    def __call__(self, *words: str, check: bool = True, stdin: bytes | None = None) -> str:
        """Run the command; its output. Its errors go to ours unless they are expected."""
        result = subprocess.run(
            self.words_of(words),
            env={**os.environ, **self.environment},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=None if check else subprocess.DEVNULL,
            check=check,
        )
        return result.stdout.decode(errors="replace")

    def start(self, *words: str, discard: bool = True) -> "subprocess.Popen[bytes]":
        """Start the command without waiting for it."""
        return subprocess.Popen(
            self.words_of(words),
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if discard else subprocess.PIPE,
        )


@contextlib.contextmanager
def wherry(folder: Path) -> Iterator[Peer]:
    """Wherry with its launcher, as it comes."""
    environment = {"WHERRY_ROOT": str(folder / "root"), "WHERRY_RUN": str(folder / "run")}
    peer = Peer("wherry", (str(BIN / "wherry"),), environment)
    peer("bootstrap", "busybox")
    try:
        yield peer
    finally:
        remove_all(peer)
        peer("system", "launcher", "stop")
        remove_bridge_if_unused(Store(folder / "root", folder / "run"))


def without_launcher(peer: Peer) -> Peer:
    """The same installation, each command loading everything itself."""
    return Peer("wherry, no launcher", peer.command, {**peer.environment, "WHERRY_LAUNCHER": "off"})


@contextlib.contextmanager
def docker() -> Iterator[Peer]:
    """The stock client with a daemon of the benchmark's own."""
    with Dockerd() as daemon:
        daemon.import_busybox()
        peer = Peer("docker", ("docker",), {"DOCKER_HOST": f"unix://{daemon.socket}"})
        yield peer
        remove_all(peer)


@contextlib.contextmanager
def podman(folder: Path, busybox: bytes) -> Iterator[Peer]:
    """Podman on folders of the benchmark's own, with `busybox`, a root filesystem as tar."""
    command = ("podman", f"--root={folder}/podman", f"--runroot={folder}/podman-run")
    # Its own defaults may be above what this process can have, and it does not look.
    options = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=500:500")
    peer = Peer("podman", command, run_options=options)
    peer("import", "--change", 'CMD ["sh"]', "-", "busybox:latest", stdin=busybox)
    try:
        yield peer
    finally:
        peer("rm", "-f", "-a", "-t", "0", check=False)
        peer("system", "reset", "--force", check=False)


@contextlib.contextmanager
def all_engines() -> Iterator[list[Peer]]:
    """Wherry and whichever of its peers this machine has, each with an image `busybox`."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="wherry-benchmark-", dir="/var/tmp"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        peers = [stack.enter_context(wherry(folder))]
        if shutil.which("docker") and shutil.which("dockerd"):
            peers.append(stack.enter_context(docker()))
        if shutil.which("podman"):
            name = peers[0]("create", "busybox").strip()
            archive = folder / "busybox.tar"
            peers[0]("export", "-o", str(archive), name)
            peers[0]("rm", name)
            peer = stack.enter_context(podman(folder, archive.read_bytes()))
            try:
                peer("run", "--rm", "busybox", "true")
            except subprocess.CalledProcessError:
                print("podman cannot run containers here", file=sys.stderr)
            else:
                peers.append(peer)
        yield peers


def remove_all(peer: Peer) -> None:
    """Remove every container of `peer`."""
    names = peer("ps", "-aq").split()
    for start in range(0, len(names), 100):
        peer("rm", "-f", "-v", *names[start : start + 100], check=False)
