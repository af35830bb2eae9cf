"""Images on their way, beside Docker: python -m benchmarks.images

A Debian image made by `wherry bootstrap`, or the archive given as the one argument, is saved,
loaded, pushed to and pulled from a docker-registry on the loopback interface.

Each load and pull is of an image of its own, the same but for a file: ext4 looks at every inode
deleted in the last minutes before it takes one, so that making files after removing as many
costs up to ten times what it does otherwise, and would be all that is measured.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

from benchmarks.containers import milliseconds
from benchmarks.engines import Peer, wherry
from benchmarks.report import Floor, Row, interleaved, print_row
from wherry.testing.archives import old_archive
from wherry.testing.dockerd import Dockerd
from wherry.testing.registries import DockerRegistry

IMAGE = "debian:bookworm"
_ROUNDS = 3
# The first of each does not count, with the last memory is measured.
_LOADED, _PULLED = range(2 + _ROUNDS), range(10, 12 + _ROUNDS)


def largest_layer(archive: Path) -> bytes:
    """The tar of the archive's largest layer, without its end."""
    with tarfile.open(archive) as members:
        document = members.extractfile("manifest.json")
        assert document is not None
        (image, *_) = json.load(document)
        largest = max(map(members.getmember, image["Layers"]), key=lambda member: member.size)
        file = members.extractfile(largest)
        assert file is not None
        layer = file.read()
    with tarfile.open(fileobj=io.BytesIO(layer)) as entries:
        *_, last = entries
        return layer[: last.offset_data + (last.size + 511) // 512 * 512]


def variation(layer: bytes, number: int, folder: Path) -> Path:
    """An archive of the image `variation:NUMBER`, which no other shares anything with."""
    entry = tarfile.TarInfo(f"variation-{number}").tobuf()
    path = folder / f"variation-{number}.tar"
    path.write_bytes(old_archive([layer + entry + bytes(1024)], f"variation:{number}"))
    return path


def each_in_turn(
    numbers: Sequence[int], act: Callable[[Peer, int], object]
) -> Callable[[Peer], float]:
    """Measures `act` with another number at each call of a peer."""
    left: dict[str, Iterator[int]] = {}

    def measure(peer: Peer) -> float:
        number = next(left.setdefault(peer.name, iter(numbers)))
        return milliseconds(lambda: act(peer, number))

    return measure


def archives(peers: Sequence[Peer], layer: bytes, folder: Path) -> Iterator[Row]:
    paths = {number: variation(layer, number, folder) for number in _LOADED}
    load = each_in_turn(_LOADED, lambda peer, number: peer("load", "-q", "-i", str(paths[number])))
    yield Row("load", interleaved(peers, load, _ROUNDS), (Floor("docker", 0.8),))
    yield peak("load", peers[0], ("load", "-q", "-i", str(paths[_LOADED[-1]])))
    for path in paths.values():
        path.unlink()
    target = folder / "saved.tar"
    name = "variation:0"
    saved = interleaved(
        peers, lambda peer: milliseconds(lambda: peer("save", "-o", str(target), name)), _ROUNDS
    )
    yield Row("save", saved, (Floor("docker", 1.0),))


def transfers(peers: Sequence[Peer], layer: bytes, folder: Path) -> Iterator[Row]:
    with DockerRegistry() as registry, wherry(folder / "publisher") as publisher:
        for peer in peers:
            for number in _LOADED[:-1]:
                peer("tag", f"variation:{number}", f"{registry.host}/{peer.name}:{number}")
        push = each_in_turn(
            _LOADED,
            lambda peer, number: peer("push", "-q", f"{registry.host}/{peer.name}:{number}"),
        )
        yield Row("push", interleaved(peers, push, _ROUNDS), (Floor("docker", 1.0),))
        for number in _PULLED:
            name = f"{registry.host}/variation:{number}"
            path = variation(layer, number, folder)
            publisher("load", "-q", "-i", str(path))
            path.unlink()
            publisher("tag", f"variation:{number}", name)
            publisher("push", "-q", name)
        pull = each_in_turn(
            _PULLED,
            lambda peer, number: peer("pull", "-q", f"{registry.host}/variation:{number}"),
        )
        yield Row("pull", interleaved(peers, pull, _ROUNDS), (Floor("docker", 0.8),))
        name = f"{registry.host}/variation:{_PULLED[-1]}"
        yield peak("pull", peers[0], ("pull", "-q", name))


def main() -> None:
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="wherry-benchmark-", dir="/var/tmp"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        ours = stack.enter_context(wherry(folder))
        archive = Path(sys.argv[1]) if sys.argv[1:] else folder / "debian.tar"
        if not sys.argv[1:]:
            ours("bootstrap", IMAGE)
            ours("save", "-o", str(archive), IMAGE)
        layer = largest_layer(archive)
        # In our network namespace, where the registry is; without a bridge that could meet another.
        daemon = Dockerd("--iptables=false", "--bridge=none", own_network=False)
        stack.enter_context(daemon)
        docker = Peer("docker", ("docker",), {"DOCKER_HOST": f"unix://{daemon.socket}"})
        peers = [ours, docker]
        for row in chain(archives(peers, layer, folder), transfers(peers, layer, folder)):
            print_row(row)


def peak(what: str, peer: Peer, words: Sequence[str]) -> Row:
    """The largest resident set of a command, in MB."""
    # A process begins with the peak of the one that it is forked from, so that one is small.
    count = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    measured = subprocess.run(
        [sys.executable, "-c", count, *peer.words_of(words)],
        env={**os.environ, **peer.environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    size = int(measured.stdout.splitlines()[-1]) / 1024
    return Row(f"peak memory of a {what}", {peer.name: size}, unit="MB")


if __name__ == "__main__":
    main()
