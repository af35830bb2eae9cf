"""The two command lines that are held beside each other."""

from collections.abc import Iterator

import pytest

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.sides import Side, docker_side, wherry_side


@pytest.fixture
def ours(wherry: Wherry) -> Side:
    return wherry_side(wherry)


@pytest.fixture
def theirs(dockerd: Dockerd) -> Iterator[Side]:
    yield docker_side(dockerd)
    _remove_all(dockerd)


@pytest.fixture(params=["wherry", "docker"])
def it(request: pytest.FixtureRequest) -> Iterator[Side]:
    """Each of the two in turn: what holds for one holds for the other."""
    if request.param == "wherry":
        yield wherry_side(request.getfixturevalue("wherry"))
    else:
        dockerd: Dockerd = request.getfixturevalue("dockerd")
        yield docker_side(dockerd)
        _remove_all(dockerd)


def _remove_all(dockerd: Dockerd) -> None:
    names = dockerd.docker("ps", "-aq").stdout.split()
    if names:
        dockerd.docker("rm", "-f", "-v", *names)
