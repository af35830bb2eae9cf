"""Layers written without mounting what is below them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.build.layer_writer import CannotReplace, LayerWriter, Look, NotADirectory
from wherry.build.source_trees import SourceTree
from wherry.dockerfile.modes import parse_mode
from wherry.linux.openat import READABLE_DIRECTORY


class Layers:
    """A folder that stands for the layers below, one for the new layer, one with sources."""

    def __init__(self, folder: Path) -> None:
        self.below, self.upper, self.source = (
            folder / name for name in ("below", "upper", "source")
        )
        for path in (self.below, self.upper, self.source):
            path.mkdir()
        self.descriptors = [
            os.open(path, READABLE_DIRECTORY) for path in (self.below, self.upper, self.source)
        ]

    def copy(self, pattern: str, target: str, look: Look | None = None) -> None:
        below, upper, source = self.descriptors
        tree = SourceTree(name="source", root=source, owned=False)
        with LayerWriter(upper, below, 10**18) as writer:
            for selected in tree.select(pattern):
                writer.copy(tree, selected, writer.resolve(target), look or Look())

    @property
    def written(self) -> list[str]:
        return sorted(str(path.relative_to(self.upper)) for path in self.upper.rglob("*"))


@pytest.fixture
def layers(tmp_path: Path) -> Iterator[Layers]:
    made = Layers(tmp_path)
    yield made
    for descriptor in made.descriptors:
        os.close(descriptor)


def test_directories_below_come_along_as_they_are(layers: Layers) -> None:
    (layers.below / "srv" / "app").mkdir(parents=True)
    (layers.below / "srv").chmod(0o711)
    os.utime(layers.below / "srv", (5, 5))
    (layers.source / "file").write_text("x")

    layers.copy("file", "/srv/app")

    assert layers.written == ["srv", "srv/app", "srv/app/file"]
    status = (layers.upper / "srv").stat()
    assert (status.st_mode & 0o7777, status.st_mtime) == (0o711, 5)


def test_links_on_the_way_are_followed_inside(layers: Layers) -> None:
    (layers.below / "usr" / "lib").mkdir(parents=True)
    (layers.below / "lib").symlink_to("/usr/lib")
    (layers.source / "file").write_text("x")

    layers.copy("file", "/lib/../lib")

    assert layers.written == ["usr", "usr/lib", "usr/lib/file"]


def test_a_directory_does_not_take_the_place_of_a_link(layers: Layers) -> None:
    (layers.below / "lib").symlink_to("usr/lib")
    (layers.source / "lib").mkdir()
    (layers.source / "lib" / "file").write_text("x")

    with pytest.raises(NotADirectory, match="/lib"):
        layers.copy(".", "/")


def test_a_file_does_not_take_the_place_of_a_directory(layers: Layers) -> None:
    (layers.below / "here").mkdir()
    (layers.source / "here").write_text("x")

    with pytest.raises(CannotReplace, match="/here"):
        layers.copy("here", "/")


def test_copies_look_as_asked_for(layers: Layers) -> None:
    (layers.source / "file").write_text("x")
    os.utime(layers.source / "file", (7, 7))

    layers.copy("file", "/new/", Look(mode=parse_mode("640")))

    status = (layers.upper / "new" / "file").stat()
    assert (status.st_mode & 0o7777, status.st_mtime) == (0o640, 7)
    assert (layers.upper / "new").stat().st_mtime == 10**9


def test_hard_links_stay_links(layers: Layers) -> None:
    (layers.source / "one").write_text("x")
    os.link(layers.source / "one", layers.source / "two")

    layers.copy(".", "/")

    assert os.path.samefile(layers.upper / "one", layers.upper / "two")
