"""Whatever program wrote a layer's tar, and in whatever form: it is made again byte for byte."""

import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.oci.digest import DiffID
from wherry.store.tar_record import TarRecorder, rebuilt_tar
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
    buffer = io.BytesIO()
    made: list[str] = []
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, kind, data in entries:
            info = tarfile.TarInfo(name)
            info.mtime, info.uname = 1.5, "someone"
            if ".wh." in name or kind == "file":
                info.size = len(data)
                made += [name] * (".wh." not in name)
            elif kind == "directory":
                info.type = tarfile.DIRTYPE
            elif kind == "symlink":
                info.name, info.type, info.linkname = (
                    "link",
                    tarfile.SYMTYPE,
                    data[:1].decode() or "a",
                )
            else:
                if not made:
                    continue
                info.type, info.linkname = tarfile.LNKTYPE, made[-1]
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
        except (OSError, ValueError):
            return  # a hard link to what is gone, a name below a file that is none
        except Exception as error:
            assert type(error).__name__ in {"InvalidArchive"}, error  # noqa: PT017
            return
        assert b"".join(rebuilt_tar(folder)) == data
        assert found.tar_size == len(data)
        assert found.diff_id == DiffID.of_bytes(data)
