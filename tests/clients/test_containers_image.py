"""podman and skopeo: what containers/image has for a Docker daemon, in both directions.

skopeo is told the address; podman knows none but /run/docker.sock, so each of its commands is in a
mount namespace whose /run has nothing else.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.wire import ask
from wherry.testing.command import Wherry
from wherry.testing.service import RunningService, end_service, start_service

pytestmark = [
    pytest.mark.needs("containers"),
    pytest.mark.skipif(
        not os.environ.get("WHERRY_CLIENTS"), reason="for scripts/test-clients, see there"
    ),
]
FROM_HERE = "docker-daemon:busybox:latest"


@pytest.fixture
def service(wherry: Wherry, tmp_path: Path) -> Iterator[RunningService]:
    running = start_service(wherry, tmp_path / "docker.sock")
    yield running
    end_service(running)


@pytest.fixture
def storage() -> Iterator[Path]:
    """For podman, which takes no long path."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)


def run(*words: str | Path) -> str:
    result = subprocess.run(
        words,
        # What is said of Docker's client there is not for these.
        env={name: text for name, text in os.environ.items() if not name.startswith("DOCKER_")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="no skopeo")
def test_skopeo_copies_out_and_in(wherry: Wherry, service: RunningService, tmp_path: Path) -> None:
    def skopeo(command: str, *words: str) -> str:
        return run("skopeo", "--insecure-policy", command, *words)

    def layers(*words: str) -> list[str]:
        found: list[str] = json.loads(skopeo("inspect", *words))["Layers"]
        return found

    here, there = ("--src-daemon-host", service.address), ("--dest-daemon-host", service.address)
    skopeo("copy", *here, FROM_HERE, f"oci:{tmp_path}/layout:one")
    skopeo("copy", *here, FROM_HERE, f"docker-archive:{tmp_path}/archive:two:1")
    for number, source in enumerate(
        (f"oci:{tmp_path}/layout:one", f"docker-archive:{tmp_path}/archive")
    ):
        skopeo("copy", *there, source, f"docker-daemon:copied:{number}")
        assert wherry("run", "--rm", f"copied:{number}", "echo", "it runs").stdout == "it runs\n"
    skopeo("copy", *here, *there, FROM_HERE, "docker-daemon:copied:2")
    wanted = layers("--daemon-host", service.address, FROM_HERE)
    assert layers("--daemon-host", service.address, "docker-daemon:copied:2") == wanted
    identity = ask(service.socket, "GET", "/images/copied:2/json").json()["Id"]
    # It may be asked for by its ID, too.
    assert layers("--daemon-host", service.address, f"docker-daemon:{identity}") == wanted
    wherry("rmi", *(f"copied:{number}" for number in range(3)))


@pytest.mark.skipif(shutil.which("podman") is None, reason="no podman")
def test_podman_works_on_an_image_and_gives_it_back(
    wherry: Wherry, service: RunningService, storage: Path
) -> None:
    def podman(*words: str) -> str:
        return run(
            *("unshare", "--mount", "sh", "-c"),
            'mount -t tmpfs none /run && ln -s "$0" /run/docker.sock && exec "$@"',
            *(service.socket, "podman", "--root", storage / "root", "--runroot", storage / "run"),
            *("--tmpdir", storage / "tmp", "--storage-driver", "vfs", "--events-backend", "none"),
            *("--cgroup-manager", "cgroupfs", *words),
        )

    podman("pull", FROM_HERE)
    (storage / "f").write_text("from podman\n")
    container = podman("create", "busybox", "cat", "/f").strip()
    podman("cp", f"{storage}/f", f"{container}:/f")
    podman("commit", "-q", "--change", "CMD cat /f", container, "changed:1")
    podman("push", "-q", "localhost/changed:1", "docker-daemon:changed:1")
    assert wherry("run", "--rm", "changed:1").stdout == "from podman\n"
    wherry("tag", "changed:1", "again:1")
    podman("pull", "-q", "docker-daemon:again:1")
    names = json.loads(podman("image", "inspect", "again:1"))[0]["RepoTags"]
    assert any(name.endswith("/again:1") for name in names)
    podman("rm", "-f", container)
    wherry("rmi", "changed:1", "again:1")
