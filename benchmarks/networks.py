"""Networks, beside Docker and Podman: python -m benchmarks.networks [word ...]

Each row gives the medians and, in brackets, Wherry's figure as a share of the peer's. Words choose
groups of rows by name: bridges cycles names ports.
"""

import contextlib
import http.client
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

from benchmarks.containers import milliseconds, run_true
from benchmarks.engines import Peer, all_engines, remove_all
from benchmarks.report import Floor, Row, interleaved, print_row
from wherry.linux.netlink import entered
from wherry.network import dns
from wherry.network.nameservers import NAME_SERVICE

REQUESTS = 500
LOOK_UPS = 200
REST = 3.0  # seconds: a supervisor without anything to do sleeps by then
_numbers = count()


def bridges(peers: Sequence[Peer]) -> Iterator[Row]:
    """What a network adds to a run, over none at all."""
    for peer in peers:
        peer("network", "create", "bench-net")
    none = interleaved(peers, run_true("--network", "none"), rounds=15)
    for title, network in (("the default bridge", "bridge"), ("a network", "bench-net")):
        times = interleaved(peers, run_true("--network", network), rounds=15)
        added = {name: times[name] - none[name] for name in none}
        yield Row(f"added by {title}", added, (Floor("docker", 1 / 3),))
    for peer in peers:
        peer("network", "rm", "bench-net")


def cycles(peers: Sequence[Peer]) -> Iterator[Row]:
    """A network, two containers on it, and all of it removed."""

    def cycle(peer: Peer) -> None:
        network = f"bench-{next(_numbers)}"
        names = (f"{network}-a", f"{network}-b")
        peer("network", "create", network)
        for name in names:
            peer("run", "-d", "--name", name, "--network", network, "busybox", "sleep", "1000")
        peer("rm", "-f", *names)
        peer("network", "rm", network)

    row = interleaved(peers, lambda peer: milliseconds(lambda: cycle(peer)), rounds=7)
    yield Row("network create, two containers, rm", row, (Floor("docker", 1 / 2),))


def names(peers: Sequence[Peer]) -> Iterator[Row]:
    """Looking up a neighbour, from inside."""
    script = f"for i in $(seq {LOOK_UPS}); do nslookup -type=a bench-web >/dev/null; done"
    for peer in peers:
        peer("network", "create", "bench-net")
        words = ("--network", "bench-net", "busybox", "sleep", "1000")
        peer("run", "-d", "--name", "bench-web", *words)
    with_name = interleaved(
        peers,
        lambda peer: milliseconds(lambda: peer("exec", "bench-web", "sh", "-c", script)),
        rounds=5,
    )
    empty = script.replace("nslookup -type=a bench-web", "busybox true")
    without = interleaved(
        peers,
        lambda peer: milliseconds(lambda: peer("exec", "bench-web", "sh", "-c", empty)),
        rounds=5,
    )
    added = {name: (with_name[name] - without[name]) * 1000 / LOOK_UPS for name in with_name}
    yield Row("a look-up", added, (Floor("docker", 1.0),), unit="us")
    with contextlib.ExitStack() as stack:
        clients = {peer.name: stack.enter_context(_client_inside(peer)) for peer in peers}
        asked = interleaved(peers, lambda peer: _ask(clients[peer.name], LOOK_UPS), rounds=15)
        yield Row("a question on a socket", asked, (Floor("docker", 1.0),), unit="us")

        def after_rest(peer: Peer) -> float:
            time.sleep(REST)
            return _ask(clients[peer.name], 1)

        yield Row("the first after a rest", interleaved(peers, after_rest, rounds=7), (), unit="us")
    for peer in peers:
        remove_all(peer)
        peer("network", "rm", "bench-net")


@contextlib.contextmanager
def _client_inside(peer: Peer) -> Iterator[socket.socket]:
    """A socket of the container's, to its name service."""
    pid = int(peer("inspect", "-f", "{{.State.Pid}}", "bench-web"))
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        with entered(namespace):
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    finally:
        os.close(namespace)
    with client:
        client.settimeout(10)
        client.connect((NAME_SERVICE, 53))
        yield client


def _ask(client: socket.socket, times: int) -> float:
    """Microseconds for a question, the median of several."""
    name = dns.name_of("bench-web")
    query = dns.Query(id=1, flags=0x100, name=name, type=dns.Type.A, klass=1)
    message = dns.packed_query(query)
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        client.send(message)
        client.recv(512)
        taken.append((time.perf_counter() - start) * 1e6)
    return statistics.median(taken)


def ports(peers: Sequence[Peer]) -> Iterator[Row]:
    """Requests through a published port, each on a connection of its own, from the host."""
    for number, peer in enumerate(peers):
        publish = ("-p", f"{18500 + number}:80", "busybox", "httpd", "-f", "-h", "/etc")
        peer("run", "-d", "--name", "bench-web", *publish)

    for title, address in (("127.0.0.1", lambda _: "127.0.0.1"), ("the bridge", _gateway)):
        addresses = {peer.name: address(peer) for peer in peers}

        def requests(peer: Peer, addresses: dict[str, str] = addresses) -> float:
            port = 18500 + peers.index(peer)
            with _host_of(peer):
                start = time.perf_counter()
                for _ in range(REQUESTS):
                    connection = http.client.HTTPConnection(addresses[peer.name], port, timeout=5)
                    connection.request("GET", "/hostname")
                    assert connection.getresponse().status == 200
                    connection.close()
                # As time for each, so that less is better here, too.
                return (time.perf_counter() - start) * 1e6 / REQUESTS

        row = interleaved(peers, requests, 7)
        yield Row(f"a request to a port by {title}", row, (Floor("docker", 1.0),), unit="us")
    for peer in peers:
        remove_all(peer)


def _gateway(peer: Peer) -> str:
    """The host's address on the default bridge: no program stands between it and the container."""
    return peer("inspect", "-f", "{{.NetworkSettings.Gateway}}", "bench-web").strip()


@contextlib.contextmanager
def _host_of(peer: Peer) -> Iterator[None]:
    """In the network that the peer takes for the host's: its daemon may have one of its own."""
    place = peer.environment.get("DOCKER_HOST", "").removeprefix("unix://")
    if not place:
        yield
        return
    pid = int((Path(place).parent / "pid").read_text())
    descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        with entered(descriptor):
            yield
    finally:
        os.close(descriptor)


GROUPS: dict[str, Callable[[Sequence[Peer]], Iterator[Row]]] = {
    "bridges": bridges,
    "cycles": cycles,
    "names": names,
    "ports": ports,
}


def main(words: Sequence[str]) -> None:
    with all_engines() as peers:
        for name in words or GROUPS:
            try:
                for row in GROUPS[name](peers):
                    print_row(row)
            except subprocess.CalledProcessError as error:
                print(f"{name}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
