"""Images that went through an archive are the same, and so is the next archive of them."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.engine.engine import Engine
from wherry.testing.archives import config_of, digest, old_archive, tar

pytestmark = pytest.mark.needs("root")

LAYERS = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.binary(max_size=2000), max_size=3).map(tar),
    max_size=4,
)
NAMES = st.lists(st.sampled_from(["a:1", "a:2", "reg.io:5000/b/c:x"]), unique=True, max_size=3)


def engine_in(folder: Path, name: str) -> Engine:
    return Engine(folder / name / "root", folder / name / "run")


@settings(max_examples=40, deadline=None)
@given(LAYERS, NAMES, st.sampled_from(["docker", "oci"]))
def test_archives_of_archives_are_the_same(
    layers: list[bytes], names: list[str], form: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "archive").write_bytes(old_archive(layers, *names))
        saved = []
        for number in range(2):
            engine = engine_in(folder, str(number))
            (loaded,) = engine.images.load(folder / "archive")
            assert str(loaded.image.id) == digest(config_of(layers))
            assert [str(each) for each in loaded.names] == names
            asked = names or [str(loaded.image.id)]
            saved.append(b"".join(engine.images.save(*asked, form=form)))
            (folder / "archive").write_bytes(saved[-1])
            engine.store.database.close()
        assert saved[0] == saved[1]
