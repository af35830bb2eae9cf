"""A service on the suite's installation, and the stock client at it beside the one at dockerd."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.testing.abilities import lacking
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.service import RunningService, end_service, start_service
from wherry.testing.sides import Side, docker_side

ENGINES = ("wherry", "docker")


@pytest.fixture(scope="module")
def module_service(
    installation: Wherry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    service = start_service(installation, tmp_path_factory.mktemp("api") / "docker.sock")
    yield service
    end_service(service)
    installation("builder", "prune", "-a", "-f")  # of which no test of others is to see anything


@pytest.fixture
def service(module_service: RunningService, wherry: Wherry) -> RunningService:
    """What a test makes with it is removed afterwards."""
    return module_service


@pytest.fixture(params=ENGINES if os.environ.get("WHERRY_CLIENTS") else ENGINES[:1])
def engine_socket(request: pytest.FixtureRequest, service: RunningService) -> Iterator[Path]:
    """Where our service listens, and where a daemon does, if there is time for it."""
    if request.param == "wherry":
        yield service.socket
        return
    dockerd: Dockerd = request.getfixturevalue("dockerd")
    dockerd.remove_everything()
    yield dockerd.socket
    dockerd.remove_everything()


@pytest.fixture
def client(service: RunningService) -> Side:
    """The stock client at our service."""
    if reason := lacking("docker"):
        pytest.skip(f"needs docker: {reason}")
    return Side("wherry", ("docker",), {**os.environ, "DOCKER_HOST": service.address})


@pytest.fixture
def theirs(dockerd: Dockerd) -> Iterator[Side]:
    """The same client at a daemon, which other tests use as well."""
    dockerd.remove_everything()
    yield docker_side(dockerd)
    dockerd.remove_everything()
