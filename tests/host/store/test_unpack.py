"""wherry.store.unpack: layers as they should be, and as an attacker makes them."""

import gzip
import hashlib
import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wherry.store.blobs import read_chunks
from wherry.store.tar.entry import InvalidArchive
from wherry.store.unpack import unpack_layer

pytestmark = pytest.mark.needs("root")

Entry = tuple[tarfile.TarInfo, bytes]


def entry(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: Any) -> Entry:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime = kind, len(data), 1_000_000_000
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def folder(name: str, **fields: Any) -> Entry:
    return entry(name, kind=tarfile.DIRTYPE, **fields)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Entry:
    return entry(name, kind=kind, linkname=target)


def archive(*entries: Entry, form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder beside the layer that must stay as it is."""
    there = tmp_path / "outside"
    there.mkdir()
    (there / "file").write_text("untouched")
    before = sorted(os.listdir(tmp_path))
    yield there
    assert os.listdir(there) == ["file"]
    assert (there / "file").read_text() == "untouched"
    assert (there / "file").stat().st_nlink == 1
    assert sorted(set(os.listdir(tmp_path)) - {"layer"}) == before


@pytest.fixture
def unpack(tmp_path: Path) -> Callable[..., Path]:
    def unpack(*entries: Entry) -> Path:
        target = tmp_path / "layer"
        target.mkdir()
        unpack_layer([archive(*entries)], target)
        return target

    return unpack


def test_metadata_comes_out_as_it_went_in(unpack: Callable[..., Path]) -> None:
    capability = bytes.fromhex("0100000200040000000000000000000000000000")
    headers = {
        "SCHILY.xattr.security.capability": capability.decode("latin-1"),
        "SCHILY.xattr.user.note": "a note",
        "SCHILY.xattr.trusted.overlay.opaque": "y",
        "SCHILY.xattr.user.overlay.opaque": "y",
        "SCHILY.xattr.security.selinux": "label",
        "mtime": "1000000000.123456789",
    }
    root = unpack(
        folder("dir", mode=0o2775, gid=8),
        entry("dir/setuid", b"x", mode=0o4755, uid=5, gid=6),
        entry("dir/plain", b"y"),
        entry("noted", b"z", pax_headers=headers),
        folder("sticky", mode=0o1777, mtime=5),
        entry("sticky/inside"),
        link("dir/link", "../anywhere"),
        link("dir/hard", "dir/plain", tarfile.LNKTYPE),
        entry("fifo", kind=tarfile.FIFOTYPE, mode=0o600),
        entry("null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
    )
    status = (root / "dir/setuid").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (5, 6, 0o4755)
    assert (root / "dir/plain").stat().st_gid == 0  # although its folder is setgid
    assert stat.S_IMODE((root / "dir").stat().st_mode) == 0o2775
    assert (root / "noted").stat().st_mtime_ns == 1_000_000_000_123_456_789
    assert os.getxattr(root / "noted", "user.note") == b"a note"
    assert sorted(os.listxattr(root / "noted")) == ["security.capability", "user.note"]
    assert stat.S_IMODE((root / "sticky").stat().st_mode) == 0o1777
    assert (root / "sticky").stat().st_mtime == 5
    assert os.readlink(root / "dir/link") == "../anywhere"
    assert (root / "dir/hard").samefile(root / "dir/plain")
    assert stat.S_ISFIFO((root / "fifo").stat().st_mode)
    assert (root / "null").stat().st_rdev == os.makedev(1, 3)
    assert stat.S_IMODE((root / "null").stat().st_mode) == 0o666


def test_the_diff_id_counts_every_byte_whatever_the_compression(tmp_path: Path) -> None:
    data = archive(entry("a", b"a" * 1000), link("l", "four")) + bytes(20_000)
    expected = f"sha256:{hashlib.sha256(data).hexdigest()}"
    for number, packed in enumerate((data, gzip.compress(data))):
        (tmp_path / str(number)).mkdir()
        unpacked = unpack_layer([packed], tmp_path / str(number))
        assert str(unpacked.diff_id) == expected
        assert unpacked.size == 1000 + len("four")


def test_whiteouts_become_those_of_overlayfs(unpack: Callable[..., Path]) -> None:
    root = unpack(
        entry("gone/.wh.file"),
        entry(".wh.folder"),
        folder("opaque"),
        entry("opaque/.wh..wh..opq"),
        entry("opaque/kept", b"k"),
        entry(".wh.replaced"),
        folder("replaced"),
        folder("first"),
        entry(".wh.first"),
        entry(".wh..wh.plnk", b"aufs"),
        entry(".wh..wh.orph/x", b"aufs"),
    )
    for name in ("gone/file", "folder"):
        status = (root / name).lstat()
        assert stat.S_ISCHR(status.st_mode)
        assert status.st_rdev == 0
    for name in ("opaque", "replaced", "first"):
        assert os.getxattr(root / name, "trusted.overlay.opaque") == b"y"
    assert (root / "opaque/kept").read_text() == "k"
    assert not [name for name in os.listdir(root) if name.startswith(".wh")]


def test_links_of_the_same_layer_are_followed_inside_it(unpack: Callable[..., Path]) -> None:
    root = unpack(
        folder("usr"),
        folder("usr/bin"),
        link("bin", "usr/bin"),
        link("abs", "/usr/bin"),
        link("high", "../../../usr/bin"),
        entry("bin/one", b"1"),
        entry("abs/two", b"2"),
        entry("high/three", b"3"),
    )
    assert sorted(os.listdir(root / "usr/bin")) == ["one", "three", "two"]
    assert (root / "bin").is_symlink()


def test_a_later_entry_replaces_an_earlier_one(unpack: Callable[..., Path]) -> None:
    root = unpack(
        entry("x", b"file"),
        folder("x"),
        entry("x/inner", b"i"),
        entry("y", b"1"),
        entry("y", b"2"),
        folder("z", mtime=7),
        entry("z/lost", b"l"),
        entry("z", b"now a file"),
        folder("same", mode=0o700),
        entry("same/kept", b"k"),
        folder("same", mode=0o755),
    )
    assert (root / "x/inner").read_text() == "i"
    assert (root / "y").read_text() == "2"
    assert (root / "z").read_text() == "now a file"
    assert (root / "z").stat().st_mtime == 1_000_000_000
    assert (root / "same/kept").exists()
    assert stat.S_IMODE((root / "same").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    "name", ["../outside/new", "a/../../outside/new", "./../../outside/new", "a/b/../../../x"]
)
def test_a_name_that_climbs_out_is_refused(
    unpack: Callable[..., Path], outside: Path, name: str
) -> None:
    with pytest.raises(InvalidArchive, match="outside of the root"):
        unpack(entry(name, b"evil"))
    assert outside.exists()


def test_an_absolute_name_stays_inside(unpack: Callable[..., Path], outside: Path) -> None:
    root = unpack(entry(f"{outside}/new", b"evil"), entry("/../../etc/x", b"evil"))
    assert (root / str(outside).lstrip("/") / "new").exists()
    assert (root / "etc/x").exists()


def test_nothing_is_written_through_a_link_that_leads_out(
    unpack: Callable[..., Path], outside: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        unpack(link("out", str(outside)), entry("out/file", b"evil"))


def test_a_folder_swapped_for_a_link_is_looked_up_again(
    unpack: Callable[..., Path], outside: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        unpack(
            folder("d"),
            folder("d/e"),
            entry("d/e/warm", b"opens the folder"),
            link("d", str(outside.parent)),
            entry("d/outside/file", b"evil"),
        )


def test_a_file_is_not_written_through_a_link_of_its_name(
    unpack: Callable[..., Path], outside: Path
) -> None:
    root = unpack(link("file", str(outside / "file")), entry("file", b"mine"))
    assert (root / "file").read_text() == "mine"
    assert not (root / "file").is_symlink()


@pytest.mark.parametrize("target", ["../outside/file", "out/file", "/etc/hostname", "missing", ""])
def test_a_hard_link_out_is_refused(
    unpack: Callable[..., Path], outside: Path, target: str
) -> None:
    with pytest.raises((InvalidArchive, FileNotFoundError)):
        unpack(link("out", str(outside)), link("hard", target, tarfile.LNKTYPE))


def test_metadata_is_never_set_through_a_link(unpack: Callable[..., Path], outside: Path) -> None:
    before = (outside / "file").stat()
    root = unpack(
        entry("l", kind=tarfile.SYMTYPE, linkname=str(outside / "file"), mode=0o777, uid=7, gid=7),
        link("h", "l", tarfile.LNKTYPE),
    )
    after = (outside / "file").stat()
    assert (before.st_uid, before.st_mode, before.st_mtime) == (
        after.st_uid,
        after.st_mode,
        after.st_mtime,
    )
    assert (root / "l").lstat().st_uid == 7
    assert (root / "h").is_symlink()


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "a/.wh.", "a/.wh..", ".wh.x/y"])
def test_a_whiteout_of_no_name_is_refused(
    unpack: Callable[..., Path], outside: Path, name: str
) -> None:
    with pytest.raises(InvalidArchive):
        unpack(folder("a"), entry(name))
    assert outside.exists()


@pytest.mark.parametrize("name", ["out/.wh..wh..opq", "out/.wh.file"])
def test_a_whiteout_through_a_link_out_is_refused(
    unpack: Callable[..., Path], outside: Path, name: str
) -> None:
    with pytest.raises(FileNotFoundError):
        unpack(link("out", str(outside)), entry(name))
    assert os.listxattr(outside) == []


def test_an_opaque_marker_below_itself_is_refused(unpack: Callable[..., Path]) -> None:
    with pytest.raises(InvalidArchive):
        unpack(entry(".wh..wh..opq/x", b"x"))


def test_a_huge_sparse_claim_takes_no_room(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
        file.seek(1 << 30)
        file.write(b"data")
    for number, form in enumerate(
        ("gnu", "pax", "pax --sparse-version=0.0", "pax --sparse-version=0.1")
    ):
        packed = tmp_path / f"{number}.tar"
        subprocess.run(
            ["tar", "-C", tmp_path, "-S", *f"--format={form}".split(), "-cf", packed, "sparse"],
            check=True,
        )
        target = tmp_path / f"layer{number}"
        target.mkdir()
        unpack_layer(read_chunks(packed.open("rb")), target)
        status = (target / "sparse").stat()
        assert status.st_size == 1 << 40
        assert status.st_blocks * 512 < 1 << 20
        with (target / "sparse").open("rb") as file:
            file.seek(1 << 30)
            assert file.read(4) == b"data"


def test_names_may_be_long_and_of_any_bytes(unpack: Callable[..., Path]) -> None:
    long = "/".join(["d" * 200] * 5)
    odd = os.fsdecode(b"\xff\xfe name\n")
    root = unpack(entry(f"{long}/file", b"deep"), entry(odd, b"odd"), link("l", "t" * 300))
    assert (root / long / "file").read_text() == "deep"
    assert os.fsencode(odd) in os.listdir(os.fsencode(root))
    assert os.readlink(root / "l") == "t" * 300


@pytest.mark.parametrize("uid", [-1, 2**32 - 1, 2**40])
def test_an_owner_that_means_something_else_is_refused(
    unpack: Callable[..., Path], uid: int
) -> None:
    with pytest.raises(InvalidArchive):
        unpack(entry("x", b"x", uid=uid))


def test_an_error_names_the_entry(unpack: Callable[..., Path]) -> None:
    with pytest.raises(OSError, match="File name too long") as caught:
        unpack(folder("a"), entry("a/" + "n" * 300, b""))
    assert caught.value.filename == b"/a/" + b"n" * 300
