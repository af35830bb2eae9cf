"""wherry.store.blobs, layers, leases and garbage"""

import hashlib
import io
import os
import tarfile
from pathlib import Path
from threading import Thread

import pytest

from wherry.oci.digest import ChainID, DiffID, Digest, chain_ids
from wherry.store.blobs import (
    WrongDigest,
    WrongSize,
    claim_blob,
    has_blob,
    ingest_blob,
    list_blobs,
    read_blob,
)
from wherry.store.garbage import collect, sweep
from wherry.store.images import StoredImage, delete_image, insert_image
from wherry.store.layers import (
    Layer,
    NoSuchLayer,
    WrongDiffID,
    chain_of,
    diff_folder,
    list_layers,
    register_layer,
)
from wherry.store.leases import Lease, lease_of
from wherry.store.store import Store
from wherry.store.volumes import create_volume

DATA = b"some content" * 1000
DIGEST = Digest.of_bytes(DATA)


def layer_tar(name: str, data: bytes = b"data") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def keep(store: Store, layer: Layer, manifest: bytes | None = None) -> Digest:
    """An image that stands on `layer`."""
    image = StoredImage(
        id=Digest.of_bytes(str(layer.chain_id).encode()),
        document=b"{}",
        size=0,
        created_ns=0,
        added_ns=0,
        manifest=manifest,
    )
    chain = [lower.chain_id for lower in reversed(chain_of(store, layer.chain_id))]
    with store.database.write() as connection:
        insert_image(connection, image, chain)
    return image.id


def staged(store: Store) -> list[str]:
    return [name for name in os.listdir(store.root / "tmp") if name != ".gate"]


def test_a_blob_is_found_under_its_digest(store: Store) -> None:
    with lease_of(store) as lease:
        blob = ingest_blob(lease, [DATA[:100], DATA[100:]], digest=DIGEST, size=len(DATA))
        assert claim_blob(lease, DIGEST)
    assert (blob.digest, blob.size) == (DIGEST, len(DATA))
    assert read_blob(store, DIGEST) == DATA
    assert staged(store) == []


def test_a_blob_may_be_named_by_a_longer_hash(store: Store) -> None:
    digest = Digest(f"sha512:{hashlib.sha512(DATA).hexdigest()}")
    with lease_of(store) as lease:
        ingest_blob(lease, [DATA], digest=digest)
    assert read_blob(store, digest) == DATA


@pytest.mark.parametrize(
    ("digest", "size", "error"),
    [
        (Digest.of_bytes(b"other"), len(DATA), WrongDigest),
        (DIGEST, len(DATA) + 1, WrongSize),
        (DIGEST, 10, WrongSize),
    ],
)
def test_a_wrong_blob_is_never_seen(
    store: Store, digest: Digest, size: int, error: type[Exception]
) -> None:
    with lease_of(store) as lease, pytest.raises(error):
        ingest_blob(lease, [DATA], digest=digest, size=size)
    assert list(list_blobs(store)) == []
    assert staged(store) == []


@pytest.mark.needs("root")
def test_layers_stack_into_chains(store: Store) -> None:
    first, second = layer_tar("a"), layer_tar("b")
    with lease_of(store) as lease:
        lower = register_layer(lease, [first])
        upper = register_layer(lease, [second], lower)
    assert [lower.chain_id, upper.chain_id] == chain_ids(
        [DiffID.of_bytes(first), DiffID.of_bytes(second)]
    )
    assert chain_of(store, upper.chain_id) == [upper, lower]
    assert (diff_folder(store, upper) / "b").read_bytes() == b"data"
    assert (store.root / "layers/l" / str(upper.id) / "b").exists()
    assert upper.size == 4
    assert staged(store) == []


@pytest.mark.needs("root")
def test_a_layer_that_is_here_is_not_read_again(store: Store) -> None:
    data = layer_tar("a")
    with lease_of(store) as lease:
        layer = register_layer(lease, [data])
        assert register_layer(lease, iter(()), diff_id=DiffID.of_bytes(data)) == layer
        assert register_layer(lease, [data]) == layer
    assert list(list_layers(store)) == [layer]


@pytest.mark.needs("root")
def test_a_layer_that_is_another_is_refused(store: Store) -> None:
    with lease_of(store) as lease:
        with pytest.raises(WrongDiffID):
            register_layer(lease, [layer_tar("a")], diff_id=DiffID.of_bytes(b"other"))
        orphan = Layer(
            id=9,
            chain_id=ChainID.of_bytes(b"gone"),
            diff_id=DiffID.of_bytes(b"gone"),
            parent=None,
            size=0,
            tar_size=0,
            created_ns=0,
        )
        with pytest.raises(NoSuchLayer):
            register_layer(lease, [layer_tar("a")], orphan)
    assert list(list_layers(store)) == []


@pytest.mark.needs("root")
@pytest.mark.parametrize("known", [True, False])
def test_two_who_register_the_same_layer_end_with_one(store: Store, known: bool) -> None:
    data = layer_tar("a", b"x" * 100_000)
    results: list[Layer] = []
    store.make_folders()

    def work() -> None:
        mine = Store(store.root, store.run)  # a connection belongs to one thread
        with lease_of(mine) as lease:
            diff_id = DiffID.of_bytes(data) if known else None
            results.append(register_layer(lease, [data], diff_id=diff_id))
        mine.database.close()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(results)) == 1
    assert len(results) == 4
    assert len(list(list_layers(store))) == 1
    assert sorted(os.listdir(store.root / "layers")) == sorted([str(results[0].id), "l"])
    assert staged(store) == []


@pytest.mark.needs("root")
def test_what_images_need_stays_and_the_rest_goes(store: Store) -> None:
    with lease_of(store) as lease:
        blob = ingest_blob(lease, [DATA])
        loose = ingest_blob(lease, [b"loose"])
        base = register_layer(lease, [layer_tar("base")])
        kept = register_layer(lease, [layer_tar("kept")], base)
        gone = register_layer(lease, [layer_tar("gone")], base)
        manifest = b'{"layers": [{"digest": "%s"}]}' % str(blob.digest).encode()
        image = keep(store, kept, manifest)

        assert collect(store).layers == ()  # all is in the hand of a living writer

    collected = collect(store)
    assert collected.layers == (gone.chain_id,)
    assert collected.blobs == (loose.digest,)
    assert collected.freed == gone.size + 5
    assert not diff_folder(store, gone).exists()
    assert not os.path.lexists(store.root / "layers/l" / str(gone.id))
    assert list(list_layers(store)) == [base, kept]
    assert has_blob(store, blob.digest)

    with store.database.write() as connection:
        delete_image(connection, image)
    assert set(collect(store).layers) == {kept.chain_id, base.chain_id}
    assert list(list_blobs(store)) == []
    assert staged(store) == []


@pytest.mark.needs("root")
def test_a_layer_of_a_container_stays_without_its_image(store: Store) -> None:
    with lease_of(store) as lease:
        layer = register_layer(lease, [layer_tar("a")])
    with store.database.write() as connection:
        connection.execute(
            "INSERT INTO containers VALUES ('c', 'c', '', '', '', 0, '{}', ?, '{}')",
            (f'{{"layerChain": "{layer.chain_id}"}}',),
        )
    assert collect(store).layers == ()


def test_staging_of_the_dead_goes_and_that_of_the_living_stays(store: Store) -> None:
    store.make_folders()
    dead = store.root / "tmp" / "123-dead"
    (dead / "deep").mkdir(parents=True)
    (store.root / "tmp" / ".chain-abc").touch()
    with lease_of(store) as lease:
        (lease.folder / "working").touch()
        collect(store)
        assert not dead.exists()
        assert (lease.folder / "working").exists()
        assert staged(store) == [lease.folder.name]


def test_folders_without_a_row_go(store: Store) -> None:
    store.make_folders()
    (store.root / "containers" / "unknown").mkdir()
    (store.root / "volumes" / "unknown").mkdir()
    kept, _ = create_volume(store, "kept")

    sweep(store)

    assert os.listdir(store.root / "containers") == []
    assert os.listdir(store.root / "volumes") == [kept.name]


def test_a_lease_is_safe_from_a_collection_at_any_point(store: Store) -> None:
    """Whatever the point, the collector leaves a blob that is being made alone."""
    for number, point in enumerate(("blob written", "blob synced", "blob visible")):
        data = b"%d" % number

        def at(reached: str, point: str = point) -> None:
            if reached == point:
                collect(store)

        with lease_of(store, trace=at) as lease:
            blob = ingest_blob(lease, [data])
            assert read_blob(store, blob.digest) == data


def test_a_lease_removes_what_is_left_in_it(store: Store, tmp_path: Path) -> None:
    with lease_of(store) as lease:
        assert isinstance(lease, Lease)
        path = lease.new_path()
        path.mkdir()
        (path / "link").symlink_to(tmp_path)
    assert staged(store) == []
    assert tmp_path.exists()
