"""The same containers on the same networks, made by Wherry and by Docker."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd

STAGE = """
network create --subnet 10.81.1.0/24 front
network create --subnet 10.81.2.0/24 back
network create --subnet 10.81.3.0/24 --internal closed
network create --subnet 10.81.4.0/24 --ipv6 --subnet fd00:81::/64 --label kind=dual dual
network create --subnet 10.81.5.0/24 -o com.docker.network.bridge.host_binding_ipv4=127.0.0.1 local
run -d --name web --network front --network-alias site --ip 10.81.1.10 -h webhost -p 18081:80
 -p 18082:80/udp -p 127.0.0.1:18083:80 -e COLOUR=red busybox httpd -f -h /etc
run -d --name web2 --network front --network-alias site --ip 10.81.1.11 busybox sleep 1000
run -d --name db --network back --ip 10.81.2.50 busybox httpd -f -h /etc
run -d --name both --network front --ip 10.81.1.12 busybox sleep 1000
network connect --alias bridgehead --ip 10.81.2.12 back both
run -d --name linker --network front --ip 10.81.1.13 --link web:friend busybox sleep 1000
run -d --name shut --network closed --ip 10.81.3.10 busybox httpd -f -h /etc
run -d --name shut2 --network closed --ip 10.81.3.11 busybox sleep 1000
run -d --name plain --expose 90 -e COLOUR=blue busybox httpd -f -h /etc
run -d --name plain2 --link plain:friend busybox sleep 1000
run -d --name six --network dual --ip 10.81.4.10 --ip6 fd00:81::10 busybox httpd -f -h /etc
run -d --name six2 --network dual --ip 10.81.4.11 --ip6 fd00:81::11 busybox sleep 1000
run -d --name here --network local --ip 10.81.5.10 -p 18084:80 busybox httpd -f -h /etc
run -d --name joined --network container:web busybox sleep 1000
"""


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str


def _plain(text: str) -> str:
    """What is the same for both: no IDs drawn at random, no names of programs."""
    for prefix in ("docker: ", "wherry: ", "Error response from daemon: ", "Error: "):
        text = re.sub(rf"(?m)^{prefix}", "", text)
    # Words of later versions than the daemon's, and what the stock client adds to them.
    text = text.replace("invalid pool request: ", "").removesuffix("exit status 1\n")
    text = re.sub(r"\b[0-9a-f]{64}\b", "<id>", text)
    text = re.sub(r"\b[0-9a-f]{12}\b", "<short>", text)
    text = re.sub(r"(?m)^Hint: .*\n?", "", text)
    text = re.sub(r"(?ms)^(\n?See|\n?Run) '.*", "", text)
    return text.replace("wherry ", "docker ").strip()


def _answer(result: "subprocess.CompletedProcess[str]") -> Answer:
    return Answer(result.returncode, _plain(result.stdout), _plain(result.stderr))


class Both:
    """The two engines, asked the same."""

    def __init__(self, wherry: Wherry, dockerd: Dockerd) -> None:
        self.wherry = wherry
        self.dockerd = dockerd

    def __call__(self, line: str) -> tuple[Answer, Answer]:
        words = shlex.split(line)
        ours = self.wherry(*words, check=False)
        return _answer(ours), _answer(self.dockerd.docker(*words, check=False))

    def on_hosts(self, line: str) -> tuple[str, str]:
        """The output of a shell line, run on the host of each."""
        words = ["sh", "-c", line]
        inside = ["nsenter", "-t", str(self.dockerd.pid), "-n", *words]
        return _output(words), _output(inside)


def _output(words: list[str]) -> str:
    result = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    return result.stdout.strip()


@pytest.fixture(scope="module")
def both(installation: Wherry, dockerd: Dockerd) -> Iterator[Both]:
    """The engines, with nothing of a test's left afterwards."""
    yield Both(installation, dockerd)
    installation.remove_everything()
    containers = dockerd.docker("ps", "-aq").stdout.split()
    if containers:
        dockerd.docker("rm", "-f", "-v", *containers)
    dockerd.docker("network", "prune", "-f")


@pytest.fixture(scope="module")
def stage(both: Both) -> Callable[[str], tuple[Answer, Answer]]:
    for line in STAGE.strip().replace("\n ", " ").splitlines():
        ours, theirs = both(line)
        assert (ours.status, theirs.status) == (0, 0), (line, ours, theirs)
    return both
