"""Files of layers that are packed as they are copied, by two processes if they are many."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from wherry.build import file_copies
from wherry.build.layer_writer import LayerWriter, Look
from wherry.build.source_trees import Found, SourceTree
from wherry.dockerfile.modes import parse_mode
from wherry.linux.openat import READABLE_DIRECTORY
from wherry.store.diff import measure_layer
from wherry.store.pack import Packed

EPOCH_NS = 10**18


class Copying:
    """A tree to copy from, and a layer to copy to."""

    def __init__(self, folder: Path, undo: ExitStack) -> None:
        self.source, self.upper = folder / "source", folder / "upper"
        self.source.mkdir()
        self.upper.mkdir()
        self.descriptors = [os.open(path, READABLE_DIRECTORY) for path in (self.source, self.upper)]
        for descriptor in self.descriptors:
            undo.callback(os.close, descriptor)
        self.tree = SourceTree(name="source", root=self.descriptors[0], owned=False)

    def select(self, pattern: str) -> list[Found]:
        (selected,) = self.tree.select(pattern)
        return selected

    def copy(self, *sources: list[Found], look: Look | None = None) -> Packed:
        with LayerWriter(
            self.descriptors[1], None, EPOCH_NS, latest_ns=EPOCH_NS, packs=True
        ) as writer:
            for selected in sources:
                writer.copy(self.tree, selected, "app", look or Look())
        return writer.packed


@pytest.fixture
def copying(tmp_path: Path) -> Iterator[Copying]:
    with ExitStack() as undo:
        yield Copying(tmp_path, undo)


def many(folder: Path, text: str, count: int = file_copies._WORTH_A_PROCESS) -> None:
    for number in range(count):
        path = folder / str(number % 7) / str(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_what_was_packed_is_what_reading_the_layer_gives(copying: Copying) -> None:
    source = copying.source
    (source / "later").write_text("its time is cut")
    os.utime(source / "later", ns=(EPOCH_NS + 10**12, EPOCH_NS + 10**12))
    (source / "before-1970").write_text("")
    os.utime(source / "before-1970", (-5.5, -5.5))
    (source / "set-id").write_text("x")
    (source / "set-id").chmod(0o6751)
    (source / "closed").write_text("")
    (source / "closed").chmod(0o400)
    (source / "one").write_text("a name of two")
    os.link(source / "one", source / "two")
    (source / "link").symlink_to("one")
    (source / ("é" * 120)).write_text("a long name")
    (source / os.fsdecode(b"\xff")).write_text("no UTF-8")
    (source / "large").write_bytes(bytes(1 << 19))

    packed = copying.copy(copying.select("."))

    # One from before 1970, one with two names, a link and a large one are read from the layer.
    assert len(packed) == 5
    assert measure_layer(copying.upper, packed) == measure_layer(copying.upper)
    assert (copying.upper / "app" / "set-id").stat().st_mode & 0o7777 == 0o6751
    assert (copying.upper / "app" / "closed").stat().st_mode & 0o7777 == 0o400
    assert (copying.upper / "app" / "later").stat().st_mtime_ns == EPOCH_NS


def test_many_files_are_packed_by_both_processes(copying: Copying) -> None:
    many(copying.source, "text")
    look = Look(owner=(7, 8), mode=parse_mode("640"))

    packed = copying.copy(copying.select("."), look=look)

    assert len(packed) == file_copies._WORTH_A_PROCESS
    assert measure_layer(copying.upper, packed) == measure_layer(copying.upper)
    status = (copying.upper / "app" / "5" / "2945").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (7, 8, 0o640)


def test_what_is_replaced_is_not_taken_from_what_was_packed(copying: Copying) -> None:
    one, other = copying.source / "one", copying.source / "other"
    many(one, "first")
    many(other, "another")
    large = other / "6" / "2946"
    large.write_bytes(os.urandom(1 << 19))  # too large to be packed
    (other / "0" / "7").unlink()
    (other / "0" / "7").symlink_to("elsewhere")

    packed = copying.copy(copying.select("one"), copying.select("other"))

    assert measure_layer(copying.upper, packed) == measure_layer(copying.upper)
    assert (copying.upper / "app" / "6" / "2946").read_bytes() == large.read_bytes()


@pytest.mark.parametrize("path", ["0/0", "6/2946"])  # of the first half, and of the second
def test_a_file_that_changes_meanwhile_is_told_by_its_path(copying: Copying, path: str) -> None:
    many(copying.source, "text")
    selected = copying.select(".")
    (copying.source / path).write_text("changed")

    with pytest.raises(OSError, match="file changed while it was read") as told:
        copying.copy(selected)

    assert told.value.filename == path
    with pytest.raises(ChildProcessError):  # nobody is left at work
        os.waitpid(-1, os.WNOHANG)
