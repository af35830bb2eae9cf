"""Build contexts as dictionaries, and the image that both engines begin with."""

import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd

Files = Mapping[str, str | bytes]


@pytest.fixture
def context(tmp_path: Path) -> Callable[[Files], Path]:
    """Makes a folder of these files, and adds to it when called again."""
    folder = tmp_path / "context"

    def make(files: Files) -> Path:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return make


@pytest.fixture
def builder(wherry: Wherry) -> Iterator[Wherry]:
    """The command; images and cache of a test go with it."""
    yield wherry
    names = wherry("images", "-q", "--no-trunc").stdout.split()
    busybox = wherry("images", "-q", "--no-trunc", "busybox").stdout.split()
    for name in set(names) - set(busybox):
        wherry("rmi", "-f", name)
    wherry("builder", "prune", "-a", "-f")


@pytest.fixture(scope="module")
def base_in_docker(installation: Wherry, dockerd: Dockerd) -> Iterator[Dockerd]:
    """The daemon, with the very busybox image of the suite; afterwards with its own alone."""
    archive = installation.root.parent / "base.tar"
    installation("save", "-o", str(archive), "busybox")
    dockerd.docker("load", "-i", str(archive))
    archive.unlink()
    yield dockerd
    images = dockerd.docker("images", "-aq", "--no-trunc").stdout.split()
    dockerd.docker("rmi", "-f", *dict.fromkeys(images))
    dockerd.docker("builder", "prune", "-a", "-f")
    dockerd.import_busybox()


def buildkit_build(dockerd: Dockerd, *words: str, **environment: str) -> CompletedProcess[str]:
    """`docker build` with the daemon's own BuildKit, by the client that came with it: later ones
    leave that to a plugin."""
    environ = {**dockerd.environment, "DOCKER_BUILDKIT": "1", **environment}
    return subprocess.run(
        ["/usr/bin/docker", "build", *words],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )


def saved_config(archive: bytes) -> dict[str, object]:
    """The image configuration in what `save` wrote."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        config: dict[str, object] = json.load(
            tar.extractfile(manifest[0]["Config"])  # type: ignore[arg-type]
        )
        return config


def tree_of(exported: Path) -> dict[str, tuple[object, ...]]:
    """Names with kind, mode, owner, link and content; without what each engine puts there."""
    own = ("dev", "proc", "sys", ".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf")
    tree: dict[str, tuple[object, ...]] = {}
    with tarfile.open(exported) as tar:
        for member in tar:
            name = member.name.strip("/")
            if name.split("/")[0] in own or name in (*own, "etc/mtab"):
                continue
            file = tar.extractfile(member) if member.isreg() else None
            content = file.read() if file else b""
            mode, owner = member.mode & 0o7777, (member.uid, member.gid)
            tree[name] = (member.type, mode, owner, member.linkname, content)
    return tree
