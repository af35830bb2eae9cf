"""wherry.linux.openat"""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.linux.openat import (
    DIRECTORY,
    directory_descriptor,
    make_directories_in_root,
    open_beneath,
    open_in_root,
    opened,
)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("secret")
    return folder


@pytest.fixture
def root(tmp_path: Path, outside: Path) -> Iterator[int]:
    folder = tmp_path / "root"
    (folder / "usr" / "bin").mkdir(parents=True)
    (folder / "usr" / "bin" / "tool").write_text("tool")
    (folder / "bin").symlink_to("/usr/bin")
    (folder / "up").symlink_to("../../../../usr/bin")
    (folder / "out").symlink_to(outside)
    (folder / "dangling").symlink_to("/nowhere")
    with directory_descriptor(folder) as descriptor:
        yield descriptor


@pytest.mark.parametrize("path", ["bin/tool", "/bin/tool", "up/tool", "../../usr/bin/tool"])
def test_links_and_dots_are_followed_inside_the_root(root: int, path: str) -> None:
    with opened(open_in_root(root, path, os.O_RDONLY)) as descriptor:
        assert os.read(descriptor, 10) == b"tool"
        assert not os.get_inheritable(descriptor)


@pytest.mark.parametrize("path", ["out/secret", "../outside/secret", "/proc/self/fd/0"])
def test_nothing_outside_the_root_is_reached(root: int, path: str) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        open_in_root(root, path, os.O_RDONLY)
    assert caught.value.filename == path


@pytest.mark.parametrize(
    ("path", "code"), [("bin/tool", errno.ELOOP), ("../x", errno.EXDEV), ("/usr", errno.EXDEV)]
)
def test_beneath_refuses_what_in_root_follows(root: int, path: str, code: int) -> None:
    with pytest.raises(OSError, match=path) as caught:
        open_beneath(root, path, os.O_RDONLY)
    assert caught.value.errno == code


def test_directories_are_made_through_links_inside_the_root(root: int, tmp_path: Path) -> None:
    with opened(make_directories_in_root(root, "bin/a/b")) as made:
        assert os.path.samestat(os.fstat(made), os.stat(tmp_path / "root/usr/bin/a/b"))
    with opened(make_directories_in_root(root, "bin/a/b")) as again:
        assert os.fstat(again).st_mode & 0o777 == 0o755


@pytest.mark.parametrize("path", ["out/made", "dangling/made", "usr/bin/tool/made"])
def test_no_directory_is_made_outside_or_below_a_file(root: int, outside: Path, path: str) -> None:
    with pytest.raises(OSError, match=r"No such file|Not a directory"):
        os.close(make_directories_in_root(root, path))
    assert os.listdir(outside) == ["secret"]


def test_a_nul_byte_does_not_cut_a_path(root: int) -> None:
    with pytest.raises(OSError, match="NUL"):
        open_in_root(root, b"bin\0/../..", DIRECTORY)
