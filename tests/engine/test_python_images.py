"""`Engine().images`, as a user of the library writes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.engine.engine import Engine
from wherry.engine.images.remove import ImageInUse
from wherry.engine.images.resolve import WrongPlatform
from wherry.store.images import NoSuchImage, TagLocked
from wherry.testing.archives import config_of, digest, old_archive, tar

pytestmark = pytest.mark.needs("root")

LAYERS = [tar({"a": b"first"}), tar({"b": b"second"})]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "root", tmp_path / "run")
    yield engine
    engine.store.database.close()


def test_an_archive_in_and_out(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "in.tar").write_bytes(old_archive(LAYERS, "app:1"))
    seen: dict[str, tuple[int, int]] = {}

    (loaded,) = engine.images.load(
        tmp_path / "in.tar",
        progress=lambda layer, done, total: seen.update({str(layer): (done, total)}),
    )

    assert seen == {digest(layer): (len(layer), len(layer)) for layer in LAYERS}
    assert str(loaded.image.id) == digest(config_of(LAYERS))
    saved = b"".join(engine.images.save("app:1", form="oci"))
    assert all(layer in saved for layer in LAYERS)
    with pytest.raises(NoSuchImage):
        engine.images.save("nope")


def test_a_root_filesystem_becomes_an_image(engine: Engine) -> None:
    identifier = engine.images.import_([LAYERS[0]], "made:1", changes=["CMD run", "EXPOSE 80"])

    found = engine.images.get("made:1")
    assert found.id == identifier
    assert found.config.config.cmd == ("/bin/sh", "-c", "run")
    assert [str(name) for name in engine.images.list()[0].names] == ["made:1"]
    assert engine.images.inspect("made:1")["Id"] == str(identifier)
    assert [entry["Comment"] for entry in engine.images.history("made:1")] == ["Imported from -"]


def test_an_image_is_saved_without_a_name_by_its_id(engine: Engine, tmp_path: Path) -> None:
    identifier = engine.images.import_([LAYERS[0]], "app:1")
    (tmp_path / "out.tar").write_bytes(b"".join(engine.images.save(identifier.hex[:12])))
    engine.images.remove("app:1")

    (loaded,) = engine.images.load(tmp_path / "out.tar")

    assert (loaded.image.id, loaded.names) == (identifier, ())


def test_another_platform_is_refused(engine: Engine) -> None:
    engine.images.import_([LAYERS[0]], "app:1", platform="linux/386")

    for ask in (engine.images.save, engine.images.inspect, engine.images.history):
        with pytest.raises(WrongPlatform, match="wanted linux/amd64, actual: linux/386"):
            ask("app:1", platform="linux/amd64")


def test_names_and_locks(engine: Engine) -> None:
    first = engine.images.import_([LAYERS[0]], "app:1")
    second = engine.images.import_([LAYERS[1]])
    engine.images.tag("app:1", "app:2")
    engine.images.lock("app:2")

    with pytest.raises(TagLocked):
        engine.images.tag(str(second), "app:2")
    with pytest.raises(ImageInUse):
        engine.images.remove(str(first))
    engine.images.lock("app:2", locked=False)
    engine.images.tag(str(second), "app:2")

    assert [move.image_id for move in engine.images.log("app:2")] == [first, second]


def test_removal_and_pruning(engine: Engine) -> None:
    named = engine.images.import_([LAYERS[0]], "app:1")
    unnamed = engine.images.import_([LAYERS[1]])

    pruned = engine.images.prune()

    assert pruned.removals[0].deleted == unnamed
    assert pruned.space_reclaimed == len(b"second")
    assert engine.images.remove("app:1")[1].deleted == named
    assert engine.images.list() == []
    assert engine.images.prune({"dangling": ("false",)}).removals == ()
