"""Volumes as a whole: exported, imported, copied and renamed."""

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from wherry.errors import Conflict, NotFound
from wherry.store.garbage import sweep
from wherry.store.store import Store
from wherry.store.volumes import (
    create_volume,
    data_folder,
    get_volume,
    list_volumes,
    rename_volume,
)
from wherry.testing.command import Wherry

pytestmark = pytest.mark.needs("root")


def filled(wherry: Wherry, name: str) -> Path:
    wherry("volume", "create", "--label", "kind=data", name)
    folder = wherry.root / "volumes" / name / "_data"
    (folder / "below").mkdir()
    (folder / "below/file").write_text("content")
    os.chown(folder / "below/file", 1000, 1001)
    (folder / "link").symlink_to("/etc/passwd")
    return folder


@pytest.mark.needs("containers")
def test_what_is_exported_is_imported_again(wherry: Wherry, tmp_path: Path) -> None:
    filled(wherry, "one")

    wherry("volume", "export", "-o", str(tmp_path / "tar"), "one")
    wherry("volume", "import", "two", str(tmp_path / "tar"))

    with tarfile.open(tmp_path / "tar") as tar:
        assert sorted(tar.getnames()) == ["below", "below/file", "link"]
    copied = wherry.root / "volumes/two/_data"
    assert (copied / "below/file").read_text() == "content"
    assert (copied / "below/file").stat().st_gid == 1001
    assert os.readlink(copied / "link") == "/etc/passwd"


@pytest.mark.needs("containers")
def test_an_archive_cannot_leave_the_volume(wherry: Wherry, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        link = tarfile.TarInfo("out")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("out/file"))

    wherry("volume", "import", "trap", stdin=buffer.getvalue(), check=False)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("containers")
def test_a_damaged_archive_leaves_no_volume(wherry: Wherry) -> None:
    result = wherry("volume", "import", "broken", stdin=b"x" * 1024, check=False)

    assert result.returncode == 1
    assert "broken" not in wherry("volume", "ls", "-q").stdout.split()


@pytest.mark.needs("containers")
def test_a_copy_has_the_same_content_and_labels(wherry: Wherry) -> None:
    filled(wherry, "one")

    assert wherry("volume", "cp", "one", "two").stdout == "two\n"

    assert (wherry.root / "volumes/two/_data/below/file").stat().st_uid == 1000
    assert wherry("volume", "ls", "-q", "--filter", "label=kind=data").stdout == "one\ntwo\n"
    again = wherry("volume", "cp", "one", "two", check=False)
    assert again.stderr == "wherry: a volume named two already exists\n"


@pytest.mark.needs("containers")
def test_a_volume_in_use_keeps_its_name(wherry: Wherry) -> None:
    wherry("run", "--name", "user", "--network", "none", "-v", "one:/data", "busybox", "true")

    assert "volume is in use" in wherry("volume", "mv", "one", "two", check=False).stderr

    wherry("rm", "user")
    assert wherry("volume", "mv", "one", "two").stdout == "two\n"
    assert wherry("volume", "ls", "-q").stdout == "two\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "root", tmp_path / "run")
    with closing(made.database):
        yield made


def renamed_until_killed(store: Store) -> None:
    """A process renames and is gone when all but the commit is done."""
    child = os.fork()
    if child == 0:
        try:
            connection = store.database.connection
            connection.set_trace_callback(lambda text: text == "COMMIT" and os._exit(9))
            rename_volume(store, "old", "new")
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9


def test_a_rename_that_is_killed_leaves_the_old_volume_whole(store: Store) -> None:
    create_volume(store, "old")
    (data_folder(store, "old") / "file").write_text("content")
    store.database.close()

    renamed_until_killed(store)

    assert [volume.name for volume in list_volumes(store)] == ["old"]
    assert (data_folder(store, "old") / "file").read_text() == "content"
    # Somebody else wants the name under which the folder is now.
    create_volume(store, "new")
    assert os.listdir(data_folder(store, "new")) == []
    assert (data_folder(store, "old") / "file").read_text() == "content"


def test_the_sweep_after_a_killed_rename_takes_no_content(store: Store) -> None:
    create_volume(store, "old")
    (data_folder(store, "old") / "file").write_text("content")
    store.database.close()
    renamed_until_killed(store)

    sweep(store)

    assert (data_folder(store, "old") / "file").read_text() == "content"
    assert os.listdir(store.root / "volumes") == ["old"]


def test_a_volume_is_renamed_to_what_is_free_only(store: Store) -> None:
    create_volume(store, "one")
    create_volume(store, "two")

    with pytest.raises(Conflict):
        rename_volume(store, "one", "two")
    with pytest.raises(NotFound):
        rename_volume(store, "three", "four")
    assert get_volume(store, "one").name == "one"
