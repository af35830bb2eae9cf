"""A service on the suite's installation, and the stock client at it beside the one at dockerd."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from wherry.testing.abilities import lacking
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.sides import Side, docker_side
from wherry.testing.waiting import eventually


@dataclass(frozen=True, slots=True)
class RunningService:
    """`wherry serve`, and where it listens."""

    process: "subprocess.Popen[bytes]"
    socket: Path
    log: Path

    @property
    def address(self) -> str:
        return f"unix://{self.socket}"


def start_service(wherry: Wherry, path: Path, *options: str) -> RunningService:
    """A service that listens at `path`; not among the folders that are looked through later."""
    log = path.with_suffix(".log")
    with log.open("wb") as file:
        process = subprocess.Popen(
            wherry.command("serve", "-H", f"unix://{path}", *options),
            env=wherry.environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    service = RunningService(process, path, log)
    eventually(lambda: b"listening" in log.read_bytes(), what="the service listens")
    return service


def end_service(service: RunningService) -> None:
    service.process.terminate()
    assert service.process.wait(20) == 0
    text = service.log.read_text()
    service.log.unlink()
    assert "Traceback" not in text, text


@pytest.fixture(scope="module")
def module_service(
    installation: Wherry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    service = start_service(installation, tmp_path_factory.mktemp("api") / "docker.sock")
    yield service
    end_service(service)


@pytest.fixture
def service(module_service: RunningService, wherry: Wherry) -> RunningService:
    """What a test makes with it is removed afterwards."""
    return module_service


@pytest.fixture
def client(service: RunningService) -> Side:
    """The stock client at our service."""
    if reason := lacking("docker"):
        pytest.skip(f"needs docker: {reason}")
    return Side("wherry", ("docker",), {**os.environ, "DOCKER_HOST": service.address})


@pytest.fixture
def theirs(dockerd: Dockerd) -> Iterator[Side]:
    """The same client at a daemon."""
    yield docker_side(dockerd)
    names = dockerd.docker("ps", "-aq").stdout.split()
    if names:
        dockerd.docker("rm", "-f", "-v", *names)
