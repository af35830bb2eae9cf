"""A service on the suite's installation, and the stock client at it beside the one at dockerd."""

import os
from collections.abc import Iterator

import pytest

from wherry.testing.abilities import lacking
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.service import RunningService, end_service, start_service
from wherry.testing.sides import Side, docker_side


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
