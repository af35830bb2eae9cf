"""Abilities of the host, an installation of the suite's own, and the check that nothing is left."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wherry.testing.abilities import lacking
from wherry.testing.dockerd import Dockerd
from wherry.testing.traces import survey
from wherry.testing.waiting import eventually

SOURCE = Path(__file__).parent.parent / "src"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full", action="store_true", help="a missing ability of the host fails the test"
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for ability in mark.args:
            if reason := lacking(ability):
                text = f"needs {ability}: {reason}"
                # The two cgroup versions exclude each other, so --full cannot ask for both.
                if item.config.getoption("--full") and not ability.startswith("cgroup"):
                    pytest.fail(text)
                pytest.skip(text)


class Wherry:
    """The command, run as users run it, on folders of the suite's own."""

    def __init__(self, root: Path, run: Path) -> None:
        self.root = root
        self.run_folder = run
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("WHERRY")
        } | {
            "WHERRY_ROOT": str(root),
            "WHERRY_RUN": str(run),
            "PYTHONPATH": str(SOURCE),
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "wherry", *words]

    def __call__(
        self,
        *words: str,
        check: bool = True,
        stdin: bytes | None = None,
        timeout: float = 60,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run `wherry` with `words`; output as text, an AssertionError if it fails unexpectedly."""
        result = subprocess.run(
            self.command(*words),
            env=self.environment | environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
            timeout=timeout,
        )
        answer = subprocess.CompletedProcess(
            result.args,
            result.returncode,
            result.stdout.decode(errors="surrogateescape"),
            result.stderr.decode(errors="surrogateescape"),
        )
        if check and answer.returncode != 0:
            raise AssertionError(
                f"wherry {' '.join(words)}: exit {answer.returncode}\n"
                f"{answer.stdout}\n{answer.stderr}"
            )
        return answer

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Run `wherry` with `words` and pipes, without waiting for it."""
        return subprocess.Popen(
            self.command(*words),
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def remove_everything(self) -> None:
        names = self("ps", "-aq", "--no-trunc").stdout.split()
        if names:
            self("rm", "-f", "-v", *names)
        volumes = self("volume", "ls", "-q").stdout.split()
        if volumes:
            self("volume", "rm", "-f", *volumes)


@pytest.fixture(scope="session")
def installation() -> Iterator[Wherry]:
    """Folders with a busybox image in them; at the end nothing of them may be left on the host."""
    if reason := lacking("containers"):
        pytest.skip(f"needs containers: {reason}")
    base = Path(tempfile.mkdtemp(prefix="wherry-suite-", dir="/var/tmp"))
    before = survey((str(base),))
    wherry = Wherry(base / "root", base / "run")
    wherry("bootstrap", "busybox")
    yield wherry
    wherry.remove_everything()
    end_launcher(wherry)
    eventually(lambda: not survey((str(base),)).new_since(before), seconds=10, what="traces left")
    shutil.rmtree(base)


def end_launcher(wherry: Wherry) -> None:
    """The launcher would go by itself after a while; the suite checks for what is left sooner."""
    wherry("system", "launcher", "stop")


@pytest.fixture
def wherry(installation: Wherry) -> Iterator[Wherry]:
    """The command; what a test makes with it is removed afterwards and may leave nothing."""
    yield installation
    installation.remove_everything()
    run = installation.run_folder / "containers"
    eventually(
        lambda: not run.exists() or not list(run.iterdir()),
        what="run folders of containers removed",
    )


@pytest.fixture(scope="session")
def dockerd() -> Iterator[Dockerd]:
    """A Docker daemon with a busybox image, to compare with."""
    for ability in ("root", "dockerd", "docker"):
        if reason := lacking(ability):
            pytest.skip(f"needs {ability}: {reason}")
    with Dockerd() as daemon:
        daemon.import_busybox()
        yield daemon


@pytest.fixture
def beside_docker(wherry: Wherry, dockerd: Dockerd) -> Iterator[Callable[..., tuple[str, str]]]:
    """Run the same words with both; their outputs. Containers on the Docker side are removed."""

    def both(*words: str) -> tuple[str, str]:
        return wherry(*words, check=False).stdout, dockerd.docker(*words, check=False).stdout

    yield both
    names = dockerd.docker("ps", "-aq").stdout.split()
    if names:
        dockerd.docker("rm", "-f", "-v", *names)
