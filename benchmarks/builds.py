"""Builds beside Docker's classic builder and BuildKit: python -m benchmarks.builds [word ...]

Each row gives the medians and, in brackets, Wherry's time as a share of the peer's. Words choose
groups of rows by name: cached steps contexts copies.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.engines import Peer, docker, wherry
from benchmarks.report import Floor, Row, interleaved, print_row


def milliseconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def build(folder: Path, *words: str) -> Callable[[Peer], float]:
    return lambda peer: milliseconds(lambda: peer("build", "-q", *words, str(folder)))


@contextlib.contextmanager
def folder(dockerfile: str) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="wherry-benchmark-", dir="/var/tmp"))
    (path / "Dockerfile").write_text(dockerfile)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def fill(path: Path, count: int, size: int) -> None:
    """So many files of `size` bytes, a hundred a folder."""
    for number in range(count):
        parent = path / "files" / str(number // 100)
        parent.mkdir(parents=True, exist_ok=True)
        (parent / str(number)).write_bytes(os.urandom(size))


def cached(peers: Sequence[Peer]) -> Iterator[Row]:
    text = "FROM busybox\n" + "".join(f"RUN echo {n} > /f{n}\nENV V{n}={n}\n" for n in range(5))
    with folder(text + "COPY Dockerfile /\n") as path:
        row = interleaved(peers, build(path), rounds=10)
    yield Row("12 steps, all cached", row, (Floor("docker", 1.0), Floor("buildkit", 1 / 2)))


def steps(peers: Sequence[Peer]) -> Iterator[Row]:
    with folder("FROM busybox\n" + "RUN true\n" * 3) as path:
        row = interleaved(peers, build(path, "--no-cache"), rounds=5)
    yield Row("3 RUN, nothing cached", row, _of_all(1 / 3))


def contexts(peers: Sequence[Peer]) -> Iterator[Row]:
    with folder("FROM busybox\nCOPY files /files\n") as path:
        fill(path, 5000, 10_000)
        row = interleaved(peers, build(path), rounds=3)
        yield Row("5000 files, 50 MB, nothing changed", row, _of_all(1 / 2))

        def with_a_change(peer: Peer) -> float:
            (path / "files" / "1" / "150").write_bytes(os.urandom(10_000))
            return build(path)(peer)

        row = interleaved(peers, with_a_change, rounds=3)
    yield Row("5000 files, 50 MB, one changed", row, _of_all(1 / 2))


def copies(peers: Sequence[Peer]) -> Iterator[Row]:
    for title, count, size, ratio in (
        ("COPY of 20000 small files", 20_000, 100, 1 / 2),
        ("COPY of 300 MB", 3, 100_000_000, 1.0),
    ):
        with folder("FROM busybox\nCOPY files /files\n") as path:
            fill(path, count, size)
            row = interleaved(peers, build(path, "--no-cache"), rounds=2)
        yield Row(title, row, _of_all(ratio))


def _of_all(ratio: float) -> tuple[Floor, ...]:
    return (Floor("docker", ratio), Floor("buildkit", ratio))


GROUPS = (cached, steps, contexts, copies)


def builders_of(peer: Peer) -> Iterator[Peer]:
    """The classic builder of a daemon, and its BuildKit if a client here can ask for that.

    From version 23 on clients need a plugin for it, which not every distribution has.
    """
    yield replace(peer, environment={**peer.environment, "DOCKER_BUILDKIT": "0"})
    environment = {**peer.environment, "DOCKER_BUILDKIT": "1"}
    with folder("FROM scratch\nCOPY Dockerfile /\n") as path:
        for program in ("docker", "/usr/bin/docker"):
            found = replace(peer, name="buildkit", command=(program,), environment=environment)
            try:
                subprocess.run(
                    found.words_of(("build", "-q", str(path))),
                    env={**os.environ, **environment},
                    capture_output=True,
                    check=True,
                )
            except (OSError, subprocess.CalledProcessError):
                continue
            yield found
            return
    print("no client here can ask the daemon for BuildKit", file=sys.stderr)


def main() -> None:
    words = sys.argv[1:]
    with contextlib.ExitStack() as stack:
        base = Path(tempfile.mkdtemp(prefix="wherry-benchmark-", dir="/var/tmp"))
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        peers = [stack.enter_context(wherry(base))]
        if shutil.which("docker") and shutil.which("dockerd"):
            peers += builders_of(stack.enter_context(docker()))
        for group in GROUPS:
            if words and group.__name__ not in words:
                continue
            for row in group(peers):
                print_row(row)


if __name__ == "__main__":
    main()
