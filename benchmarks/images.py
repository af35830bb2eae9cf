"""Images on their way, beside Docker: python -m benchmarks.images

A Debian image made by `wherry bootstrap`, or the archive given as the one argument, is saved,
loaded, pushed to and pulled from a docker-registry on the loopback interface. Before each load and
pull the engine forgets the image.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.containers import milliseconds
from benchmarks.engines import Peer, wherry
from benchmarks.report import Floor, Row, interleaved, print_row
from wherry.testing.dockerd import Dockerd
from wherry.testing.registries import DockerRegistry

IMAGE = "debian:bookworm"
_ROUNDS = 3


def archives(peers: Sequence[Peer], archive: Path) -> Iterator[Row]:
    loaded = interleaved(peers, lambda peer: _without(peer, IMAGE, load(peer, archive)), _ROUNDS)
    yield Row("load", loaded, (Floor("docker", 0.8),))
    target = archive.with_name("saved.tar")
    saved = interleaved(
        peers, lambda peer: milliseconds(lambda: peer("save", "-o", str(target), IMAGE)), _ROUNDS
    )
    yield Row("save", saved, (Floor("docker", 1.0),))


def load(peer: Peer, archive: Path) -> Callable[[], object]:
    return lambda: peer("load", "-q", "-i", str(archive))


def push_anew(peer: Peer) -> float:
    """The time of a push to a registry that has nothing yet."""
    with DockerRegistry() as registry:
        name = f"{registry.host}/{peer.name}:1"
        peer("tag", IMAGE, name)
        spent = milliseconds(lambda: peer("push", "-q", name))
        peer("rmi", name)
        return spent


def transfers(peers: Sequence[Peer], host: str) -> Iterator[Row]:
    yield Row("push", interleaved(peers, push_anew, _ROUNDS), (Floor("docker", 1),))
    name = f"{host}/both:1"
    peers[-1]("tag", IMAGE, name)
    peers[-1]("push", "-q", name)
    for peer in peers:
        peer("rmi", "-f", name, check=False)
        peer("rmi", "-f", IMAGE, check=False)
    pulled = interleaved(
        peers, lambda peer: _without(peer, name, partial(peer, "pull", "-q", name)), _ROUNDS
    )
    yield Row("pull", pulled, (Floor("docker", 0.8),))


def _without(peer: Peer, name: str, action: Callable[[], object]) -> float:
    """The time of `action`, done when the image is not here."""
    peer("rmi", "-f", name, check=False)
    return milliseconds(action)


def main() -> None:
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="wherry-benchmark-", dir="/var/tmp"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        ours = stack.enter_context(wherry(folder))
        archive = Path(sys.argv[1]) if sys.argv[1:] else folder / "debian.tar"
        if not sys.argv[1:]:
            ours("bootstrap", IMAGE)
            ours("save", "-o", str(archive), IMAGE)
        registry = stack.enter_context(DockerRegistry())
        # In our network namespace, where the registry is; without a bridge that could meet another.
        daemon = Dockerd("--iptables=false", "--bridge=none", own_network=False)
        stack.enter_context(daemon)
        docker = Peer("docker", ("docker",), {"DOCKER_HOST": f"unix://{daemon.socket}"})
        peers = [ours, docker]
        for peer in peers:
            peer("load", "-q", "-i", str(archive))
        for row in (*archives(peers, archive), *transfers(peers, registry.host)):
            print_row(row)
        ours("rmi", "-f", IMAGE, check=False)
        print_row(Row("peak memory of a load", {"wherry": peak_of(ours, archive)}, unit="MB"))


def peak_of(peer: Peer, archive: Path) -> float:
    """The largest resident set of a load, in MB."""
    process = peer.start("load", "-q", "-i", str(archive))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
