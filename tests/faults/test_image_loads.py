"""kill -9 and a full disk while images come in: all of a load is there, or nothing of it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.images.archive.members import read_archive
from wherry.images.archive.read import images_in
from wherry.images.ingest import LayerSource, NewImage, commit_images, take_in_layers
from wherry.linux.mount import UnmountFlag, mount, unmount
from wherry.store.garbage import collect
from wherry.store.images import list_images
from wherry.store.layers import LayerNotStored, list_layers
from wherry.store.leases import Lease, lease_of
from wherry.store.store import Store
from wherry.testing.archives import old_archive, tar

pytestmark = pytest.mark.needs("root")

LAYERS = [tar({f"file-{number}": bytes([number]) * 100_000}) for number in range(5)]
POINTS = (
    "layer unpacked",
    "layer synced",
    "layer in place",
    "layer committed",
    "images checked",
    "images inserted",
    "images committed",
)


def load(lease: Lease, archive: Path) -> None:
    """What the use case does, with the caller's lease."""
    with archive.open("rb", buffering=0) as file, read_archive(lease, file) as members:
        new = [
            NewImage(
                document=image.document,
                layers=take_in_layers(
                    lease,
                    [
                        LayerSource(read=layer.member.pieces, diff_id=layer.diff_id)
                        for layer in image.layers
                    ],
                ),
                names=image.names,
            )
            for image in images_in(members, None)
        ]
        commit_images(lease, new, reason="load")


def killed_at(store: Store, point: str, archive: Path) -> None:
    child = os.fork()
    if child == 0:
        mine = Store(store.root, store.run)

        def at(reached: str) -> None:
            if reached == point:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            with lease_of(mine, trace=at) as lease:
                load(lease, archive)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{point} was not reached"


def images_in_store(store: Store) -> int:
    return len(list(list_images(store.database.connection)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "root", tmp_path / "run")
    store.make_folders()
    yield store
    store.database.close()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "archive"
    path.write_bytes(old_archive(LAYERS, "app:1", "app:2"))
    return path


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_the_whole_load_or_nothing(store: Store, archive: Path, point: str) -> None:
    killed_at(store, point, archive)

    done = point == "images committed"
    assert images_in_store(store) == done
    tags = store.database.connection.execute("SELECT * FROM tags").fetchall()
    assert len(tags) == 2 * done
    collect(store)
    assert len(list(list_layers(store))) == 5 * done
    assert [name for name in os.listdir(store.root / "tmp") if name != ".gate"] == []
    with lease_of(store) as lease:  # and the next one succeeds
        load(lease, archive)
    assert images_in_store(store) == 1


def test_a_full_disk_leaves_nothing(tmp_path: Path, archive: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mount("tmpfs", "tmpfs", folder, 0, "size=400k")
    store = Store(folder / "root", tmp_path / "run")
    try:
        with lease_of(store) as lease, pytest.raises(LayerNotStored, match="no space left"):
            load(lease, archive)
        assert images_in_store(store) == 0
        assert list(list_layers(store)) == []
        assert [name for name in os.listdir(store.root / "tmp") if name != ".gate"] == []
    finally:
        store.database.close()
        unmount(folder, UnmountFlag.DETACH)
