"""Archives that come in: every form that others write, and what nobody should."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from wherry.engine.engine import Engine
from wherry.engine.images.load import LoadedImage
from wherry.errors import InvalidArgument
from wherry.images.archive.members import InvalidImageArchive
from wherry.oci.codec import InvalidDocument
from wherry.oci.digest import DiffID, Digest
from wherry.oci.reference import InvalidReference
from wherry.store.blobs import WrongDigest, WrongSize
from wherry.store.images import list_images
from wherry.store.layer_blobs import blobs_of
from wherry.store.layers import WrongDiffID, list_layers
from wherry.store.snapshots import TooManyLayers
from wherry.testing.archives import config_of, digest, oci_archive, old_archive, tar

pytestmark = pytest.mark.needs("root")

LAYERS = [tar({"a": b"first"}), tar({"b": b"second" * 1000}), tar({"a": b"first"})]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "root", tmp_path / "run")
    yield engine
    engine.store.database.close()


def load(engine: Engine, data: bytes, platform: str = "") -> list[LoadedImage]:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        file.seek(0)
        return engine.images.load(file, platform=platform)


def is_empty(engine: Engine) -> bool:
    return not list(list_images(engine.store.database.connection))


def test_the_old_form_with_linked_layers(engine: Engine) -> None:
    (loaded,) = load(engine, old_archive(LAYERS, "app:1", "app:2"))

    assert str(loaded.image.id) == digest(config_of(LAYERS))
    assert [str(name) for name in loaded.names] == ["app:1", "app:2"]
    assert len(list(list_layers(engine.store))) == 3
    assert loaded.image.size == len(b"first") * 2 + 6000


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        bz2.compress,
        lzma.compress,
        zstandard.ZstdCompressor().compress,
        lambda data: gzip.compress(data[:1000]) + gzip.compress(data[1000:]),
    ],
    ids=["gzip", "bzip2", "xz", "zstd", "two members"],
)
def test_a_packed_archive(engine: Engine, pack: Callable[[bytes], bytes]) -> None:
    (loaded,) = load(engine, pack(old_archive(LAYERS, "app:1")))

    assert str(loaded.image.id) == digest(config_of(LAYERS))


def test_an_oci_layout_and_what_its_blobs_were(engine: Engine) -> None:
    (loaded,) = load(engine, oci_archive(LAYERS, name="docker.io/library/app:1"))

    assert [str(name) for name in loaded.names] == ["app:1"]
    packed = gzip.compress(LAYERS[0], 1, mtime=0)
    (blob,) = blobs_of(engine.store.database.connection, DiffID.of_bytes(LAYERS[0]))
    assert (blob.digest, blob.size) == (Digest.of_bytes(packed), len(packed))
    assert loaded.image.manifest is not None


def test_an_image_without_a_name(engine: Engine) -> None:
    assert load(engine, old_archive(LAYERS))[0].names == ()
    assert load(engine, oci_archive(LAYERS))[0].names == ()


def test_a_layer_that_is_here_is_no_proof_of_a_blob(engine: Engine) -> None:
    load(engine, old_archive(LAYERS))
    packed = gzip.compress(LAYERS[0], 1, mtime=0)

    load(engine, oci_archive(LAYERS, {f"blobs/sha256/{digest(packed)[7:]}": packed}))

    assert blobs_of(engine.store.database.connection, DiffID.of_bytes(LAYERS[0])) == []


def test_many_layers(engine: Engine) -> None:
    layers = [tar({f"f{number}": b"x"}) for number in range(300)]

    (loaded,) = load(engine, old_archive(layers, "deep:1"))

    assert b"".join(engine.images.save("deep:1")).count(b"ustar") > 600
    assert loaded.image.size == 300


def test_a_platform_is_chosen_or_missed(engine: Engine) -> None:
    with pytest.raises(InvalidImageArchive, match="no image for platform linux/arm64"):
        load(engine, old_archive(LAYERS), platform="linux/arm64")
    assert load(engine, old_archive(LAYERS), platform="linux/amd64")


CONFIG = config_of(LAYERS)
PACKED = gzip.compress(LAYERS[1], 1, mtime=0)


def with_manifest(manifest: object, **members: bytes) -> bytes:
    return tar({**members, "manifest.json": json.dumps(manifest).encode()})


def special(name: str, kind: bytes, target: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        archive.addfile(info)
    return buffer.getvalue()


def item(config: str, *layers: str) -> list[dict[str, object]]:
    return [{"Config": config, "RepoTags": ["app:1"], "Layers": layers}]


@pytest.mark.parametrize(
    ("archive", "error", "text"),
    [
        (b"", InvalidImageArchive, "does not contain a manifest.json"),
        (b"rubbish" * 500, InvalidArgument, "archive/tar: invalid tar header"),
        (tar({"manifest.json": b"{"}), InvalidDocument, "is not JSON"),
        (tar({"manifest.json": b"{}"}), InvalidDocument, "must be an array"),
        (tar({"manifest.json": b"[" * 100_000}), InvalidDocument, "nested deeper"),
        (with_manifest([{"Layers": []}]), InvalidDocument, "Config"),
        (with_manifest(item("c.json")), InvalidImageArchive, "'c.json' is not in the archive"),
        (with_manifest(item("../c")), InvalidImageArchive, "points out of the archive"),
        (with_manifest(item("c"), c=b"[]"), InvalidDocument, "must be an object"),
        (with_manifest(item("c"), c=b'{"rootfs": 1}'), InvalidDocument, "rootfs"),
        (with_manifest(item("c", "l"), c=CONFIG, l=b""), InvalidImageArchive, "length mismatch"),
        (
            with_manifest(item("c", "l", "l", "l"), c=CONFIG, l=LAYERS[1]),
            WrongDiffID,
            "don't match image configuration",
        ),
        (
            with_manifest(item("blobs/sha256/" + "0" * 64), **{"blobs/sha256/" + "0" * 64: CONFIG}),
            InvalidImageArchive,
            "has digest",
        ),
        (old_archive(LAYERS, "UPPER"), InvalidReference, "must be lowercase"),
        (old_archive(LAYERS, "a@sha256:" + "0" * 64), InvalidImageArchive, "invalid tag"),
        (old_archive([tar({"x": b""})] * 501), TooManyLayers, "max depth exceeded"),
        (special("../../etc/passwd", tarfile.REGTYPE), InvalidImageArchive, "points out"),
        (
            special("manifest.json", tarfile.SYMTYPE, "../../etc/passwd"),
            InvalidImageArchive,
            "out of the archive",
        ),
        (special("manifest.json", tarfile.SYMTYPE, "/etc/passwd"), InvalidImageArchive, "links to"),
        (
            special("manifest.json", tarfile.SYMTYPE, "manifest.json"),
            InvalidImageArchive,
            "too many levels of links",
        ),
        (special("manifest.json", tarfile.CHRTYPE), InvalidImageArchive, "does not contain"),
        (old_archive(LAYERS)[:12_000], InvalidArgument, "unexpected EOF"),
        (gzip.compress(old_archive(LAYERS))[:-50], InvalidArgument, "unexpected EOF"),
        (tar({"index.json": b'{"schemaVersion": 1, "manifests": []}'}), InvalidDocument, "only 2"),
        (oci_archive(LAYERS, {"oci-layout": b"{}"}), InvalidImageArchive, "version None"),
        (
            oci_archive(LAYERS, {f"blobs/sha256/{digest(CONFIG)[7:]}": CONFIG[:-1] + b" "}),
            InvalidImageArchive,
            "has digest",
        ),
        (
            oci_archive(LAYERS, {f"blobs/sha256/{digest(PACKED)[7:]}": PACKED + b"x"}),
            InvalidImageArchive,
            "its descriptor says",
        ),
        (
            oci_archive(
                LAYERS,
                {f"blobs/sha256/{digest(PACKED)[7:]}": PACKED[:4] + b"\1\2\3\4" + PACKED[8:]},
            ),
            WrongDigest,
            "unexpected commit digest",
        ),
    ],
)
def test_what_is_refused(engine: Engine, archive: bytes, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        load(engine, archive)
    assert is_empty(engine)
    assert engine.store.database.connection.execute("SELECT * FROM tags").fetchall() == []


def test_one_bad_image_keeps_the_others_out(engine: Engine) -> None:
    bad = tar({"x": b"bad"})
    archive = tar(
        {
            "good.json": CONFIG,
            "bad.json": config_of([bad]),
            **{str(number): layer for number, layer in enumerate(LAYERS)},
            "manifest.json": json.dumps(
                [*item("good.json", "0", "1", "2"), *item("bad.json", "0")]
            ).encode(),
        }
    )
    with pytest.raises(WrongDiffID):
        load(engine, archive)
    assert is_empty(engine)


def test_sizes_are_bounded_by_the_descriptor(engine: Engine) -> None:
    with pytest.raises((WrongSize, InvalidImageArchive)):
        load(
            engine,
            oci_archive(LAYERS, {f"blobs/sha256/{digest(PACKED)[7:]}": PACKED + b"\0" * 100}),
        )
