"""A hundred clients at once for a minute: no error, and the service is as big as before."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.api.wire import ask
from wherry.testing.command import Wherry
from wherry.testing.service import end_service, start_service
from wherry.testing.waiting import eventually
from wherry.values import dataclass

CLIENTS = 100
SECONDS = float(os.environ.get("WHERRY_CROWD_SECONDS", "60"))

pytestmark = [
    pytest.mark.needs("containers"),
    pytest.mark.skipif(
        not os.environ.get("WHERRY_CLIENTS"), reason="for scripts/test-clients, see there"
    ),
]


@dataclass(frozen=True, slots=True)
class Size:
    """Of a process: resident memory in KiB, threads, descriptors."""

    memory: int
    threads: int
    descriptors: int


def size_of(pid: int) -> Size:
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    return Size(int(fields["VmRSS"].split()[0]), int(fields["Threads"]), descriptors)


def day(socket: Path, number: int, until: float) -> int:
    """What one client does, again and again; how often it did."""
    rounds = 0
    while time.monotonic() < until:
        name = f"client{number}-{rounds}"
        if number % 10:  # most only look
            assert ask(socket, "GET", "/containers/json?all=1").status == 200
            assert ask(socket, "GET", "/images/json").status == 200
            assert ask(socket, "GET", "/info").status == 200
        else:
            body = {"Image": "busybox", "Cmd": ["echo", name]}
            answer = ask(socket, "POST", f"/containers/create?name={name}", body)
            assert answer.status == 201, answer
            answer = ask(socket, "POST", f"/containers/{name}/start")
            assert answer.status == 204, answer
            assert ask(socket, "POST", f"/containers/{name}/wait").json()["StatusCode"] == 0
            logs = ask(socket, "GET", f"/containers/{name}/logs?stdout=1").body
            assert logs[8:] == f"{name}\n".encode()
            answer = ask(socket, "DELETE", f"/containers/{name}?force=1")
            assert answer.status == 204, answer
        rounds += 1
    return rounds


def crowd(socket: Path, seconds: float) -> int:
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(lambda number: day(socket, number, until), range(CLIENTS)))


def test_a_crowd_leaves_the_service_as_it_was(wherry: Wherry, tmp_path: Path) -> None:
    service = start_service(wherry, tmp_path / "docker.sock")
    pid = service.process.pid
    try:
        crowd(service.socket, SECONDS / 6)  # threads and caches are as many as they get
        before = size_of(pid)
        rounds = crowd(service.socket, SECONDS)
        eventually(lambda: size_of(pid).descriptors <= before.descriptors + 5, seconds=30)
        after = size_of(pid)
    finally:
        end_service(service)
    print(f"{rounds} rounds of {CLIENTS} clients: {before}, then {after}")
    assert after.threads <= before.threads + 5
    assert after.memory <= before.memory * 1.1 + 4096
