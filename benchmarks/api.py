"""The API service beside Docker's daemon, both by the stock client: python -m benchmarks.api

Times of `docker run`, `exec` and `ps` at either socket, taken in turn; then the memory (PSS, so
that what is shared counts once) of all processes of either engine with twenty idle containers,
their programs left out.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.containers import SETTLED, milliseconds, run_true
from benchmarks.engines import Peer, docker, remove_all, wherry
from benchmarks.report import Floor, Row, interleaved, print_row
from wherry.testing.command import Wherry
from wherry.testing.service import end_service, start_service

IDLE = 20


@contextlib.contextmanager
def service(folder: Path) -> Iterator[Peer]:
    """The stock client at a service of ours."""
    with wherry(folder) as local:
        installation = Wherry(folder / "root", folder / "run")
        running = start_service(installation, folder / "docker.sock")
        yield Peer("wherry", ("docker",), {**local.environment, "DOCKER_HOST": running.address})
        end_service(running)


def times(peers: Sequence[Peer]) -> Iterator[Row]:
    row = interleaved(peers, run_true(), rounds=15)
    yield Row("docker run --rm busybox true", row, (Floor("docker", 1 / 5),))
    for peer in peers:
        peer("run", "-d", "--name", "bench-exec", "busybox", "sleep", "1000")
    execs = interleaved(peers, timed("exec", "bench-exec", "true"), rounds=25)
    yield Row("docker exec true", execs, (Floor("docker", 1 / 3),))
    yield Row("docker ps", interleaved(peers, timed("ps"), rounds=25), (Floor("docker", 1.0),))
    for peer in peers:
        remove_all(peer)


def timed(*words: str) -> Callable[[Peer], float]:
    return lambda peer: milliseconds(lambda: peer(*words))


def memory(peers: Sequence[Peer], folders: dict[str, Path]) -> Row:
    for peer in peers:
        for _ in range(IDLE):
            peer("run", "-d", "busybox", "sleep", "1000")
    time.sleep(SETTLED)
    sizes = {peer.name: size_of(folders[peer.name]) for peer in peers}
    return Row(f"PSS with {IDLE} idle containers", sizes, (Floor("docker", 1 / 2),), unit="MB")


def size_of(folder: Path) -> float:
    """The PSS of all processes that name `folder` on their command lines, in MB."""
    total = 0
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if bytes(folder) in (process / "cmdline").read_bytes():
                rollup = (process / "smaps_rollup").read_text()
                total += int(rollup.split("Pss:")[1].split()[0])
    assert total, f"nothing runs for {folder}"
    return total / 1000


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="wherry-benchmark-", dir="/var/tmp"))
    try:
        with service(folder) as ours, docker() as theirs:
            for row in times([ours, theirs]):
                print_row(row)
            address = theirs.environment["DOCKER_HOST"].removeprefix("unix://")
            print_row(memory([ours, theirs], {"wherry": folder, "docker": Path(address).parent}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
