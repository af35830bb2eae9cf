"""Whatever program wrote a layer's tar, and in whatever form: it is made again byte for byte."""

import gzip
import io
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.oci.digest import DiffID
from wherry.store.tar.entry import InvalidArchive
from wherry.store.tar_record import DamagedRecord, TarRecorder, rebuilt_tar
from wherry.store.unpack import Unpacked, unpack_layer

pytestmark = pytest.mark.needs("root")

NAMES = st.sampled_from(
    ["a", "b", "a/b", "b/a", "a/c", "link/b", ".wh.a", "a/.wh.b", "a/.wh..wh..opq"]
)
DATA = st.sampled_from([b"", b"x", b"y" * 700, b"z" * 513])
KINDS = st.sampled_from(["file", "file", "file", "directory", "symlink", "hardlink"])


def unpacked(data: bytes, folder: Path) -> Unpacked:
    (folder / "diff").mkdir()
    with TarRecorder(folder) as recorder:
        return unpack_layer([data], folder / "diff", recorder)


def archive(entries: list[tuple[str, str, bytes]], form: int) -> bytes:
    """Files, directories and links in each other's way, with headers that we would not write."""
    buffer = io.BytesIO()
    files: list[str] = []
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, kind, data in entries:
            info = tarfile.TarInfo(name)
            info.mtime, info.uname = 1.5, "someone"
            if ".wh." in name or kind == "file":
                info.size = len(data)
                files.append(name)
            elif kind == "directory":
                info.type = tarfile.DIRTYPE
            elif kind == "symlink":
                info.name, info.type, info.linkname = "link", tarfile.SYMTYPE, name[0]
            elif files:
                info.type, info.linkname = tarfile.LNKTYPE, files[-1]
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(NAMES, KINDS, DATA), max_size=12),
    st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.binary(max_size=3),
)
def test_a_tar_is_made_again(entries: list[tuple[str, str, bytes]], form: int, tail: bytes) -> None:
    data = archive(entries, form) + tail
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            found = unpacked(data, folder)
        except (OSError, InvalidArchive):
            # What cannot be unpacked, such as a hard link to what is gone, has no record.
            return
        assert b"".join(rebuilt_tar(folder)) == data
        assert found.tar_size == len(data)
        assert found.diff_id == DiffID.of_bytes(data)


@pytest.mark.parametrize(
    "options", ["--format=gnu", "--format=posix", "--format=ustar", "--sparse"]
)
def test_a_tar_of_gnu_tar(tmp_path: Path, options: str) -> None:
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    (tree / "d" / "text").write_text("text" * 5000)
    os.link(tree / "d" / "text", tree / "hard")
    (tree / "soft").symlink_to("d/text")
    with (tree / "holes").open("wb") as file:
        file.seek(3_000_000)
        file.write(b"end")
    os.mkfifo(tree / "fifo")
    command = ["tar", "-C", str(tree), "-c", options, "-b", "7", "."]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    (tmp_path / "layer").mkdir()

    unpacked(gzip.compress(data), tmp_path / "layer")

    assert b"".join(rebuilt_tar(tmp_path / "layer")) == data


def test_a_record_takes_a_twentieth_of_the_headers(tmp_path: Path) -> None:
    entries = [(f"d/file-{number}", "file", b"x" * 600) for number in range(2000)]

    unpacked(archive(entries, tarfile.GNU_FORMAT), tmp_path)

    assert (tmp_path / "tar.zst").stat().st_size < 2000 * 512 // 20


def test_a_file_that_is_gone_or_cut_is_told(tmp_path: Path) -> None:
    unpacked(archive([("a", "file", b"x")], tarfile.GNU_FORMAT), tmp_path)
    (tmp_path / "diff" / "a").unlink()

    with pytest.raises(DamagedRecord, match="diff/a: No such file"):
        list(rebuilt_tar(tmp_path))


def test_a_record_that_is_cut_is_told(tmp_path: Path) -> None:
    unpacked(archive([("a", "file", b"x" * 600)] * 3, tarfile.GNU_FORMAT), tmp_path)
    record = tmp_path / "tar.zst"
    record.write_bytes(record.read_bytes()[:-20])

    with pytest.raises(DamagedRecord, match="is damaged"):
        list(rebuilt_tar(tmp_path))
