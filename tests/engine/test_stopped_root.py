"""The files of a container that does not run, seen through a mount that nobody else sees."""

import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.errors import Internal
from wherry.linux.openat import READABLE_DIRECTORY, open_in_root, opened
from wherry.oci.digest import ChainID
from wherry.oci.mount import Mount
from wherry.store import roots
from wherry.store.layers import register_layer
from wherry.store.leases import lease_of
from wherry.store.roots import stopped_root
from wherry.store.snapshots import container_mount, prepare_container
from wherry.store.store import Store

pytestmark = pytest.mark.needs("root", "overlay")

CONTAINER = "c" * 64


@pytest.fixture
def store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        store = Store(Path(name, "root"), Path(name, "run"))
        yield store
        store.database.close()


def layer(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def top(store: Store) -> ChainID:
    with lease_of(store) as lease:
        lower = register_layer(lease, [layer(one="1", two="lower")])
        upper = register_layer(lease, [layer(two="2")], lower)
    store.container_folder(CONTAINER).mkdir()
    prepare_container(store, CONTAINER)
    (store.container_folder(CONTAINER) / "upper" / "three").write_text("3")
    return upper.chain_id


def read(root: int, name: str) -> str:
    with opened(open_in_root(root, name, os.O_RDONLY)) as file:
        return os.read(file, 100).decode()


def test_layers_and_changes_are_seen_together(store: Store, top: ChainID) -> None:
    with stopped_root(store, CONTAINER, top) as root:
        assert [read(root, name) for name in ("one", "/two", "/../three")] == ["1", "2", "3"]
        with opened(open_in_root(root, "/", READABLE_DIRECTORY)) as directory:
            assert {"one", "two", "three", "etc"} <= set(os.listdir(directory))
        with pytest.raises(OSError, match="Read-only file system"):
            open_in_root(root, "new", os.O_WRONLY | os.O_CREAT, 0o600)
        assert str(store.root) not in Path("/proc/self/mountinfo").read_text()


def test_what_is_written_goes_to_the_container(store: Store, top: ChainID) -> None:
    with (
        stopped_root(store, CONTAINER, top, writable=True) as root,
        opened(open_in_root(root, "new", os.O_WRONLY | os.O_CREAT, 0o600)) as file,
    ):
        os.write(file, b"4")

    assert (store.container_folder(CONTAINER) / "upper" / "new").read_text() == "4"


def test_a_child_mounts_it_where_the_kernel_cannot(store: Store, top: ChainID) -> None:
    wanted = container_mount(store, CONTAINER, top)
    before = os.listdir("/proc/self/fd")

    with opened(roots._mounted_by_child(wanted, store.root / "tmp")) as root:
        assert read(root, "two") == "2"

    assert os.listdir("/proc/self/fd") == before


def test_a_mount_that_fails_says_why(store: Store) -> None:
    wanted = Mount(type="overlay", source="overlay", options=("lowerdir=/nowhere/at/all",))
    with pytest.raises(Internal, match="failed to mount the root filesystem"):
        roots.detached_overlay(wanted, store.root)
