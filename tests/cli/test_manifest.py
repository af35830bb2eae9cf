"""Manifest lists, beside the docker command, which keeps its drafts in the same place."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.registries import DockerRegistry

pytestmark = pytest.mark.needs("containers", "registry", "docker")

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def registry() -> Iterator[DockerRegistry]:
    with DockerRegistry() as running:
        yield running


@pytest.fixture
def image(wherry: Wherry, registry: DockerRegistry) -> str:
    name = f"{registry.host}/team/app:amd64"
    wherry("bootstrap", "-t", name, "busybox")
    wherry("push", name)
    return name


@pytest.fixture
def ours(wherry: Wherry, tmp_path: Path) -> Command:
    return lambda *words: wherry("manifest", *words, check=False, DOCKER_CONFIG=str(tmp_path))


@pytest.fixture
def theirs(tmp_path: Path) -> Command:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["docker", "manifest", *words],
            env={**os.environ, "DOCKER_CONFIG": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_list_is_what_docker_makes_of_the_same_words(
    ours: Command, theirs: Command, registry: DockerRegistry, image: str
) -> None:
    outputs = []
    for command in (ours, theirs):
        name = f"{registry.host}/team/list:1"
        create = command("create", "--insecure", name, image)
        command("annotate", name, image, "--arch", "arm64", "--variant", "v8")
        outputs.append(
            (
                create.stdout,
                command("create", "--insecure", name, image).stderr.removeprefix("wherry: "),
                command("inspect", name).stdout,
                command("push", "--insecure", "--purge", name).stdout,
                command("inspect", "--insecure", name).stdout,
                command("inspect", "--insecure", image).stdout,
                command("inspect", "-v", "--insecure", image).stdout,
                command("rm", name).stderr.removeprefix("wherry: "),
                command("inspect", "--insecure", f"{name}0").stderr.removeprefix("wherry: "),
            )
        )

    for mine, other in zip(*outputs, strict=True):
        assert mine.rstrip() == other.rstrip()


def test_docker_goes_on_with_a_draft_of_ours(
    ours: Command, theirs: Command, registry: DockerRegistry, image: str
) -> None:
    name = f"{registry.host}/other/list:1"
    ours("create", name, image)

    assert theirs("inspect", name).stdout == ours("inspect", name).stdout
    theirs("annotate", name, image, "--os-features", "x")
    assert '"os.features"' in ours("inspect", name).stdout
    pushed = ours("push", name)  # from another repository: the blobs are mounted
    assert pushed.returncode == 0, pushed.stderr
    assert ours("inspect", name, image).returncode == 0


def test_what_is_pushed_as_a_list_is_pulled_for_its_platform(
    wherry: Wherry, ours: Command, registry: DockerRegistry, image: str
) -> None:
    name = f"{registry.host}/team/choice:1"
    ours("create", name, image)
    ours("push", name)

    wherry("pull", name)
    missing = wherry("pull", "--platform", "linux/s390x", name, check=False)

    assert missing.stderr.startswith("wherry: no matching manifest for linux/s390x in the manifest")
