"""Abilities of the host, an installation of the suite's own, and the check that nothing is left."""

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from wherry.network.plug import remove_bridge_if_unused
from wherry.store.store import Store
from wherry.testing.abilities import lacking
from wherry.testing.both import Both
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.traces import left_on_disk, nothing_left, remove_empty_cgroups, survey
from wherry.testing.waiting import none_of


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full", action="store_true", help="a missing ability of the host fails the test"
    )


def pytest_configure() -> None:
    # In the background of a script it is ignored, and so it would be by all that tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # How long a machine takes for an example says nothing about what is tested.
    settings.register_profile(
        "wherry", deadline=None, suppress_health_check=(HealthCheck.too_slow,)
    )
    settings.load_profile("wherry")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for ability in mark.args:
            if reason := lacking(ability):
                text = f"needs {ability}: {reason}"
                # The two cgroup versions exclude each other, so --full cannot ask for both; nor
                # for another init.
                kinds_of_machine = ("cgroup1", "cgroup2", "systemd", "journald")
                if item.config.getoption("--full") and ability not in kinds_of_machine:
                    pytest.fail(text)
                pytest.skip(text)


@pytest.fixture(scope="session")
def installation() -> Iterator[Wherry]:
    """Folders with a busybox image in them; at the end nothing of them may be left on the host."""
    if reason := lacking("containers"):
        pytest.skip(f"needs containers: {reason}")
    base = Path(tempfile.mkdtemp(prefix="wherry-suite-", dir="/var/tmp"))
    before = survey(base / "root", base / "run")
    wherry = Wherry(base / "root", base / "run")
    wherry("bootstrap", "busybox")
    yield wherry
    wherry.remove_everything()
    wherry("system", "check", "--rehash")  # nothing of the store was damaged by all of that
    end_launcher(wherry)
    remove_bridge_if_unused(Store(wherry.root, wherry.run_folder))
    nothing_left(wherry.root, wherry.run_folder, before)
    remove_empty_cgroups()
    shutil.rmtree(base)


def end_launcher(wherry: Wherry) -> None:
    """The launcher would go by itself after a while; the suite checks for what is left sooner."""
    wherry("system", "launcher", "stop")


@pytest.fixture
def wherry(installation: Wherry) -> Iterator[Wherry]:
    """The command; what a test makes with it is removed afterwards and may leave nothing."""
    before = installation.known_images()
    yield installation
    installation.remove_everything()
    installation.remove_images_since(before)
    # The rest of a survey takes longer, and is looked at once the suite has ended.
    none_of(lambda: left_on_disk(installation.root, installation.run_folder))


@pytest.fixture(scope="session")
def dockerd() -> Iterator[Dockerd]:
    """A Docker daemon with a busybox image, to compare with."""
    for ability in ("root", "dockerd", "docker"):
        if reason := lacking(ability):
            pytest.skip(f"needs {ability}: {reason}")
    with Dockerd() as daemon:
        daemon.import_busybox()
        yield daemon


@pytest.fixture(scope="module")
def both(installation: Wherry, dockerd: Dockerd) -> Iterator[Both]:
    """Both engines, with nothing of a module's tests left afterwards."""
    pair = Both(installation, dockerd)
    yield pair
    pair.remove_everything()


@pytest.fixture
def beside_docker(wherry: Wherry, dockerd: Dockerd) -> Iterator[Callable[..., tuple[str, str]]]:
    """Run the same words with both; their outputs. Containers on the Docker side are removed."""

    def both(*words: str) -> tuple[str, str]:
        return wherry(*words, check=False).stdout, dockerd.docker(*words, check=False).stdout

    yield both
    names = dockerd.docker("ps", "-aq").stdout.split()
    if names:
        dockerd.docker("rm", "-f", "-v", *names)
