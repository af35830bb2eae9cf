"""The life of containers, beside Docker and Podman: python -m benchmarks.containers [word ...]

Each row gives the medians and, in brackets, Wherry's time as a share of the peer's. Words choose
groups of rows by name: starts execs crowds stops restarts lists logs.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.engines import Peer, all_engines, remove_all, without_launcher
from benchmarks.report import Floor, Row, interleaved, print_row

LOG_BYTES = 200_000_000
SETTLED = 5.0  # seconds, after which a supervisor with nothing to do has gone to sleep


def milliseconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def run_true(*options: str) -> Callable[[Peer], float]:
    return lambda peer: milliseconds(lambda: peer("run", "--rm", *options, "busybox", "true"))


def starts(peers: Sequence[Peer]) -> Iterator[Row]:
    docker_floor = {"bridge": 1 / 6, "none": 1 / 5, "host": 1 / 3}
    ours = peers[0]
    for network, ratio in docker_floor.items():
        row = interleaved(
            [*peers, without_launcher(ours)], run_true("--network", network), rounds=15
        )
        alone = row.pop(without_launcher(ours).name)
        yield Row(f"run --rm --network {network}", row, (Floor("docker", ratio),))
        floors = (Floor("docker", 1 / 3),) if network == "bridge" else ()
        yield Row("the same without a launcher", {**row, "wherry": alone}, floors)
    plain = interleaved(peers, run_true(), rounds=15)
    for title, options in (("-m 64m", ("-m", "64m")), ("-v volume", ("-v", "bench:/data"))):
        with_option = interleaved(peers, run_true(*options), rounds=15)
        added = {name: with_option[name] - plain[name] for name in plain}
        yield Row(f"added by {title}", added, (Floor("docker", 1.0),))


def execs(peers: Sequence[Peer]) -> Iterator[Row]:
    for peer in peers:
        peer("run", "-d", "--name", "bench-exec", "busybox", "sleep", "1000")
    row = interleaved(
        [*peers, without_launcher(peers[0])],
        lambda peer: milliseconds(lambda: peer("exec", "bench-exec", "true")),
        rounds=25,
    )
    alone = row.pop(without_launcher(peers[0]).name)
    yield Row("exec true", row, (Floor("docker", 1 / 3),))
    yield Row("the same without a launcher", {**row, "wherry": alone})
    for peer in peers:
        peer("rm", "-f", "bench-exec")


def crowds(peers: Sequence[Peer]) -> Iterator[Row]:
    def start_twenty(peer: Peer) -> None:
        crowd = [peer.start("run", "-d", "busybox", "sleep", "1000") for _ in range(20)]
        assert [process.wait() for process in crowd] == [0] * 20

    started: dict[str, float] = {}
    removed: dict[str, float] = {}
    for peer in peers:
        started[peer.name] = milliseconds(partial(start_twenty, peer))
        if peer.name == "wherry":
            time.sleep(SETTLED)
            size = {"wherry": shim_size(), "asked": 1.0}
            yield Row("PSS of an idle shim (20 of them)", size, (Floor("asked", 1.0),), unit="MB")
        removed[peer.name] = milliseconds(partial(remove_all, peer))
    yield Row("20 concurrent run -d", started, (Floor("docker", 1 / 4),))
    yield Row("rm -f of the 20", removed, (Floor("docker", 1 / 3),))


def shim_size() -> float:
    """The mean proportional set size of the processes that hold a shim's lock, in MB."""
    sizes = []
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if words[1] != "POSIX" or words[3] != "WRITE":
            continue
        process = Path("/proc", words[4])
        try:
            if b"wherry" not in (process / "cmdline").read_bytes():
                continue
            rollup = (process / "smaps_rollup").read_text()
        except OSError:
            continue
        sizes.append(int(rollup.split("Pss:")[1].split()[0]))
    assert len(sizes) >= 20, "no shims found"
    return sum(sizes) / len(sizes) / 1000


def stops(peers: Sequence[Peer]) -> Iterator[Row]:
    heeds = ("sh", "-c", 'trap "exit 0" TERM; while :; do sleep 0.05; done')

    def stop(peer: Peer) -> float:
        peer("run", "-d", "--name", "bench-stop", "busybox", *heeds)
        taken = milliseconds(lambda: peer("stop", "bench-stop"))
        peer("rm", "-f", "bench-stop")
        return taken

    yield Row("stop", interleaved(peers, stop, rounds=7), (Floor("docker", 1 / 2),))


def restarts(peers: Sequence[Peer]) -> Iterator[Row]:
    row = interleaved(peers, _first_restart, rounds=5)
    yield Row("first restart, --restart=always", row, (Floor("podman", 1.0),))


def _first_restart(peer: Peer) -> float:
    """From one start of the program to the next: it reads the machine's uptime each time."""
    name = "bench-restart"
    script = "cut -d' ' -f1 /proc/uptime; [ -e /again ] && sleep 1000; touch /again"
    peer("run", "-d", "--restart=always", "--name", name, "busybox", "sh", "-c", script)
    while len(stamps := peer("logs", name).split()) < 2:
        time.sleep(0.05)
    peer("rm", "-f", name)
    return (float(stamps[1]) - float(stamps[0])) * 1000


def lists(peers: Sequence[Peer]) -> Iterator[Row]:
    floors = (Floor("docker", 2.0), Floor("podman", 1.0))
    for peer in peers:
        for _ in range(10):
            peer("run", "-d", "busybox", "sleep", "1000")
    row = interleaved(peers, lambda peer: milliseconds(lambda: peer("ps")), rounds=15)
    yield Row("ps, 10 running", row, floors)
    for peer in peers:
        remove_all(peer)
        for _ in range(50):
            crowd = [peer.start("create", "busybox", "true") for _ in range(10)]
            assert all(process.wait() == 0 for process in crowd)
    row = interleaved(peers, lambda peer: milliseconds(lambda: peer("ps", "-a")), rounds=15)
    yield Row("ps -a, 500 stopped", row, floors)
    for peer in peers:
        remove_all(peer)


def logs(peers: Sequence[Peer]) -> Iterator[Row]:
    script = f"yes 'a line of a log as programs write them, sixty bytes long' | head -c {LOG_BYTES}"

    def write(peer: Peer) -> None:
        bound = ("--log-opt", "max-size=1g") if peer.name != "podman" else ()
        peer("run", "-d", "--name", "bench-logs", *bound, "busybox", "sh", "-c", script)
        peer("wait", "bench-logs")

    written: dict[str, float] = {}
    printed: dict[str, float] = {}
    for peer in peers:
        written[peer.name] = milliseconds(partial(write, peer))
        printed[peer.name] = milliseconds(peer.start("logs", "bench-logs").wait)
        peer("rm", "-f", "bench-logs")
    yield Row("log 200 MB of lines", written, (Floor("docker", 1 / 4),))
    yield Row("print them", printed, (Floor("docker", 1 / 4),))


GROUPS = (starts, execs, crowds, stops, restarts, lists, logs)


def main() -> None:
    words = sys.argv[1:]
    with all_engines() as peers:
        for group in GROUPS:
            if words and group.__name__ not in words:
                continue
            for row in group(peers):
                print_row(row)


if __name__ == "__main__":
    main()
