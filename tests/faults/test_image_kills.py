"""kill -9 during pull, load, rmi and prune: nothing is wrong then, and the next one succeeds."""

import gzip
import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wherry.engine.engine import Engine
from wherry.engine.images.load import load_images
from wherry.engine.images.prune import prune_images
from wherry.engine.images.pull import pull_image
from wherry.engine.images.remove import remove_image
from wherry.engine.system.check import check_system
from wherry.engine.system.prune import prune_system
from wherry.linux.mount import UnmountFlag, mount, unmount
from wherry.store.garbage import collect
from wherry.store.images import NoSuchImage, list_images
from wherry.store.layers import LayerNotStored
from wherry.store.store import Store
from wherry.testing.archives import old_archive, tar
from wherry.testing.command import Wherry
from wherry.testing.registries import Exchange, HostileRegistry
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("root", "overlay")

LAYERS = [tar({f"{number}/file": random.Random(number).randbytes(90_000)}) for number in range(3)]
KILLS = int(os.environ.get("WHERRY_KILLS", "2"))


def serve(registry: HostileRegistry) -> None:
    registry.add_image({gzip.compress(layer, 1): layer for layer in LAYERS})


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """A registry in a process of its own: a fork of this one is to find no threads."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with HostileRegistry() as registry:
                serve(registry)
                os.write(writer, registry.host.encode())
                signal.pause()
        finally:
            os._exit(1)
    os.close(writer)
    yield os.read(reader, 64).decode()
    os.close(reader)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    engine = Engine(tmp_path / "root", tmp_path / "run")
    engine.store.make_folders()
    yield engine
    engine.store.database.close()


def killed_at(engine: Engine, point: str, work: Callable[[Engine], object]) -> None:
    """Do `work` in a child that is killed as it reaches `point`."""
    engine.store.database.close()
    child = os.fork()
    if child == 0:

        def at(reached: str) -> None:
            if reached == point:
                os.kill(os.getpid(), signal.SIGKILL)

        Store.trace = staticmethod(at)
        try:
            work(Engine(engine.store.root, engine.store.run))
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{point} was not reached"


def assert_nothing_is_wrong(engine: Engine) -> None:
    findings = check_system(engine, rehash=True).findings
    assert [finding for finding in findings if finding.state.is_fault] == []


def images(engine: Engine) -> int:
    return len(list(list_images(engine.store.database.connection)))


COMING_IN = (
    "layer unpacked",
    "layer synced",
    "layer in place",
    "layer committed",
    "images checked",
    "images inserted",
    "images committed",
)
GOING = ("image to be forgotten", "image forgotten", "layers forgotten", "layers moved away")


@pytest.mark.parametrize("point", ["piece downloaded", "blob synced", "blob visible", *COMING_IN])
def test_a_pull_killed_at_any_point(engine: Engine, host: str, point: str) -> None:
    def pull(it: Engine) -> None:
        pull_image(it, f"{host}/team/app")

    killed_at(engine, point, pull)

    assert_nothing_is_wrong(engine)
    assert images(engine) == (point == "images committed")
    pull(engine)
    collect(engine.store)
    assert check_system(engine, rehash=True).findings == ()
    assert images(engine) == 1
    assert list((engine.store.root / "downloads").iterdir()) == []


@pytest.mark.parametrize("point", COMING_IN)
def test_a_load_killed_at_any_point(engine: Engine, tmp_path: Path, point: str) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(old_archive(LAYERS, "app:1"))

    def load(it: Engine) -> None:
        with archive.open("rb", buffering=0) as source:
            load_images(it, source)

    killed_at(engine, point, load)

    assert_nothing_is_wrong(engine)
    assert images(engine) == (point == "images committed")
    load(engine)
    collect(engine.store)
    assert check_system(engine, rehash=True).findings == ()
    assert images(engine) == 1


REMOVALS: dict[str, Callable[[Engine], object]] = {
    "rmi": lambda engine: remove_image(engine, "app:1"),
    "image prune": lambda engine: prune_images(engine, {"dangling": ("false",)}),
    "system prune": lambda engine: prune_system(engine, all_images=True),
}


@pytest.mark.parametrize("removal", REMOVALS)
@pytest.mark.parametrize("point", GOING)
def test_a_removal_killed_at_any_point(
    engine: Engine, tmp_path: Path, removal: str, point: str
) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(old_archive(LAYERS, "app:1"))
    with archive.open("rb", buffering=0) as source:
        load_images(engine, source)

    killed_at(engine, point, REMOVALS[removal])

    assert_nothing_is_wrong(engine)
    assert images(engine) == (point == "image to be forgotten")
    try:
        REMOVALS[removal](engine)
    except NoSuchImage:
        assert point != "image to be forgotten"
    prune_system(engine, all_images=True)
    assert check_system(engine, rehash=True).findings == ()
    assert images(engine) == 0
    assert [path.name for path in (engine.store.root / "layers").iterdir()] == ["l"]


def test_a_pull_goes_on_where_a_killed_one_was(engine: Engine) -> None:
    packed = gzip.compress(big := tar({"file": random.Random(9).randbytes(2_000_000)}), 1)
    reached = threading.Event()

    def half(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("Content-Length", str(len(packed)))
        exchange.end_headers()
        exchange.wfile.write(packed[:1_500_000])
        exchange.wfile.flush()
        reached.set()
        exchange.rfile.read(1)  # until the client is gone

    with HostileRegistry() as registry:
        registry.add_image({packed: big})
        blob = f"/blobs/{registry.add(packed)}"
        registry.behaviours[blob] = half
        wherry = Wherry(engine.store.root, engine.store.run)
        process = wherry.start("pull", f"{registry.host}/team/app")
        assert reached.wait(30)
        download = engine.store.root / "downloads" / blob.rpartition("/")[2].replace(":", "-")
        eventually(lambda: download.exists() and download.stat().st_size > 0)
        process.kill()
        process.communicate()
        assert_nothing_is_wrong(engine)
        here = download.stat().st_size
        registry.behaviours.clear()
        registry.seen.clear()

        pull_image(engine, f"{registry.host}/team/app")

        ranges = [headers.get("Range") for _, path, headers in registry.seen if blob in path]
        assert ranges == [f"bytes={here}-"]
        assert_nothing_is_wrong(engine)


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_kill_at_any_moment_leaves_nothing_wrong(
    engine: Engine, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    archive = tmp_path / "archive"
    archive.write_bytes(old_archive(LAYERS, "loaded:1"))
    wherry = Wherry(engine.store.root, engine.store.run)
    wherry.environment["WHERRY_LAUNCHER"] = "off"
    with HostileRegistry() as registry:
        serve(registry)
        name = f"{registry.host}/team/app"
        words = chance.choice(
            (
                ("pull", name),
                ("load", "-i", str(archive)),
                ("rmi", "-f", "busy:1"),
                ("image", "prune", "-a", "-f"),
                ("system", "prune", "-a", "-f"),
            )
        )
        if words[0] not in ("pull", "load"):
            wherry("load", stdin=old_archive(LAYERS, "busy:1"))
        process = subprocess.Popen(
            wherry.command(*words),
            env=wherry.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(chance.random() * 0.9)  # the span in which kills fall
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

        assert_nothing_is_wrong(engine)
        again = wherry(*words, check=False)

    assert again.returncode == 0 or "No such image" in again.stderr
    collect(engine.store)
    assert check_system(engine, rehash=True).findings == ()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An installation on a disk with room for half of what is to come."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    folder = tmp_path / "small"
    folder.mkdir()
    mount("tmpfs", "tmpfs", folder, 0, "size=900k")
    engine = Engine(folder / "root", tmp_path / "run")
    engine.store.make_folders()
    assert images(engine) == 0
    try:
        yield engine
    finally:
        engine.store.database.close()
        unmount(folder, UnmountFlag.DETACH)


def test_a_full_disk_during_pull_or_load_leaves_nothing(small: Engine, tmp_path: Path) -> None:
    layers = [tar({"file": random.Random(seed).randbytes(700_000)}) for seed in (1, 2)]
    archive = tmp_path / "archive"
    archive.write_bytes(old_archive(layers, "app:1"))

    with HostileRegistry() as registry:
        registry.add_image({gzip.compress(layer, 1): layer for layer in layers})
        with pytest.raises(LayerNotStored, match="no space left on device"):
            pull_image(small, f"{registry.host}/team/app")
    assert list((small.store.root / "downloads").iterdir()) == []
    with archive.open("rb", buffering=0) as source, pytest.raises(LayerNotStored, match="no space"):
        load_images(small, source)

    assert images(small) == 0
    collect(small.store)
    assert check_system(small, rehash=True).findings == ()
