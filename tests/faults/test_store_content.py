"""kill -9 and a full disk while content comes in: the old state or the new one, plus garbage."""

import io
import os
import random
import signal
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wherry.linux.mount import UnmountFlag, mount, unmount
from wherry.oci.digest import Digest
from wherry.store.blobs import has_blob, ingest_blob, list_blobs, read_blob
from wherry.store.garbage import collect
from wherry.store.layers import LayerNotStored, diff_folder, list_layers, register_layer
from wherry.store.leases import Lease, lease_of
from wherry.store.store import Store

pytestmark = pytest.mark.needs("root")

BLOB = random.Random(1).randbytes(3_000_000)


def layer_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number in range(50):
            info = tarfile.TarInfo(f"d/{number}")
            info.size = 50_000
            tar.addfile(info, io.BytesIO(BLOB[number : number + 50_000]))
    return buffer.getvalue()


def killed(store: Store, point: str, work: Callable[[Lease], object]) -> None:
    """Do `work` in a child that is killed at `point`."""
    child = os.fork()
    if child == 0:
        mine = Store(store.root, store.run)

        def at(reached: str) -> None:
            if reached == point:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            with lease_of(mine, trace=at) as lease:
                work(lease)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{point} was not reached"


def staged(store: Store) -> list[str]:
    return [name for name in os.listdir(store.root / "tmp") if name != ".gate"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "root", tmp_path / "run")
    store.make_folders()
    yield store
    store.database.close()


@pytest.mark.parametrize("point", ["blob written", "blob synced", "blob visible"])
def test_a_kill_leaves_a_whole_blob_or_none(store: Store, point: str) -> None:
    killed(store, point, lambda lease: ingest_blob(lease, [BLOB]))

    digest = Digest.of_bytes(BLOB)
    if has_blob(store, digest):
        assert read_blob(store, digest, limit=len(BLOB)) == BLOB
    collect(store)
    assert list(list_blobs(store)) == []
    assert staged(store) == []
    with lease_of(store) as lease:
        ingest_blob(lease, [BLOB])


@pytest.mark.parametrize(
    "point", ["layer unpacked", "layer synced", "layer in place", "layer committed"]
)
def test_a_kill_leaves_a_whole_layer_or_none(store: Store, point: str) -> None:
    data = layer_tar()
    killed(store, point, lambda lease: register_layer(lease, [data]))

    assert len(list(list_layers(store))) == (point == "layer committed")
    # Without any collection in between, the next one succeeds in the same place.
    with lease_of(store) as lease:
        layer = register_layer(lease, [data])
    assert len(os.listdir(diff_folder(store, layer) / "d")) == 50
    collect(store)
    assert list(list_layers(store)) == []
    assert os.listdir(store.root / "layers") == ["l"]
    assert os.listdir(store.root / "layers/l") == []
    assert staged(store) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Store]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount("tmpfs", "tmpfs", folder, 0, "size=2m")
    store = Store(folder / "root", tmp_path / "run")
    store.make_folders()
    try:
        yield store
    finally:
        store.database.close()
        unmount(folder, UnmountFlag.DETACH)


def test_a_full_disk_leaves_nothing_half_made(small_disk: Store) -> None:
    with lease_of(small_disk) as lease:
        with pytest.raises(OSError, match="No space left"):
            ingest_blob(lease, [BLOB])
        with pytest.raises(LayerNotStored, match="no space left on device"):
            register_layer(lease, [layer_tar()])
    assert list(list_blobs(small_disk)) == []
    assert list(list_layers(small_disk)) == []
    assert staged(small_disk) == []
    with lease_of(small_disk) as lease:  # there is room again
        ingest_blob(lease, [b"small"])
