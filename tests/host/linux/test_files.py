"""wherry.linux.files and wherry.linux.locks"""

import os
from pathlib import Path

import pytest

from wherry.linux.files import copy_content, data_segments, remove_tree, write_atomically
from wherry.linux.locks import locked, locked_by_name, try_lock

MEGABYTE = 1 << 20


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("a longer text than what follows")

    write_atomically(target, b"new", 0o640)

    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_that_cannot_be_put_in_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder" / "x").mkdir(parents=True)
    with pytest.raises(OSError, match="folder"):
        write_atomically(tmp_path / "folder", b"new")
    assert os.listdir(tmp_path) == ["folder"]


def test_a_copy_keeps_its_holes(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.seek(8 * MEGABYTE)
        file.write(b"middle" * 1000)
        file.truncate(32 * MEGABYTE)
    with (tmp_path / "a").open("rb") as source, (tmp_path / "b").open("wb") as target:
        copy_content(source.fileno(), target.fileno())

    copy = tmp_path / "b"
    assert copy.read_bytes() == (tmp_path / "a").read_bytes()
    assert copy.stat().st_blocks * 512 < MEGABYTE
    with copy.open("rb") as file:
        (segment,) = data_segments(file.fileno(), 32 * MEGABYTE)
    assert segment[0] <= 8 * MEGABYTE < segment[0] + segment[1]


def test_a_tree_deeper_than_any_path_is_removed_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    top = tmp_path / "top"
    top.mkdir()
    (top / "link").symlink_to(tmp_path)
    here = os.open(top, os.O_RDONLY)
    for _ in range(3000):  # 4096 is the longest path
        os.mkdir("deep", dir_fd=here)
        below = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.symlink("/", "root", dir_fd=here)
        os.close(here)
        here = below
    os.close(here)

    remove_tree(top)
    remove_tree(top)

    assert os.listdir(tmp_path) == ["kept"]


def test_a_lock_excludes_and_ends_with_its_holder(tmp_path: Path) -> None:
    other = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    with locked(tmp_path / "lock"):
        assert not try_lock(other)
    assert try_lock(other)
    os.close(other)


def test_a_named_lock_leaves_no_file(tmp_path: Path) -> None:
    with locked_by_name(tmp_path / "x"):
        assert os.listdir(tmp_path) == ["x"]
    assert os.listdir(tmp_path) == []
