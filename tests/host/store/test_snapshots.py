"""wherry.store.snapshots, diff and copying, on overlays mounted for real."""

import io
import os
import stat
import struct
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wherry.linux.mount import MountFlag, UnmountFlag, mount, unmount
from wherry.linux.openat import directory_descriptor, opened
from wherry.oci.mount import Mount
from wherry.store.copying import (
    archive_path,
    copy_up,
    export_tree,
    extract_archive,
    stat_path,
)
from wherry.store.diff import changes, layer_tar
from wherry.store.layers import Layer, register_layer
from wherry.store.leases import lease_of
from wherry.store.snapshots import (
    container_mount,
    lower_folders,
    open_view,
    prepare_container,
    view_mount,
)
from wherry.store.store import Store
from wherry.store.tar.entry import InvalidArchive
from wherry.store.unpack import unpack_layer

pytestmark = pytest.mark.needs("root", "overlay")


@contextmanager
def mounted(what: Mount, target: Path) -> Iterator[Path]:
    target.mkdir(exist_ok=True)
    flags = MountFlag.RDONLY if "ro" in what.options else MountFlag(0)
    flags |= MountFlag.BIND if "bind" in what.options else MountFlag(0)
    data = ",".join(option for option in what.options if option not in ("ro", "bind"))
    mount(what.type, what.source, target, flags, data)
    try:
        yield target
    finally:
        unmount(target, UnmountFlag.DETACH)


def tar_of(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder, ".")
    return buffer.getvalue()


def members(chunks: Iterator[bytes]) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        return {info.name: info for info in tar}


@pytest.fixture
def image(store: Store, tmp_path: Path) -> Layer:
    folder = tmp_path / "image"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/passwd").write_text("root")
    (folder / "etc/group").write_text("root")
    (folder / "data/sub").mkdir(parents=True)
    (folder / "data/file").write_text("file")
    (folder / "data/sub/deep").write_text("deep")
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o1777)
    (folder / "link").symlink_to("data")
    (folder / "abs").symlink_to("/data/sub")
    (folder / "evil").symlink_to("../../../../../../etc")
    with lease_of(store) as lease:
        return register_layer(lease, [tar_of(folder)])


@pytest.fixture
def container(store: Store, image: Layer, tmp_path: Path) -> Iterator[Path]:
    store.container_folder("c").mkdir(parents=True)
    prepare_container(store, "c")
    with mounted(container_mount(store, "c", image.chain_id), tmp_path / "merged") as root:
        yield root


def changed(store: Store, image: Layer) -> list[str]:
    upper = store.container_folder("c") / "upper"
    return [
        f"{change.kind.value} {change.path}"
        for change in changes(upper, lower_folders(store, image.chain_id))
    ]


def test_mount_points_are_there_without_being_changes(
    store: Store, image: Layer, container: Path
) -> None:
    assert {"proc", "sys", "dev", ".dockerenv"} <= set(os.listdir(container))
    assert os.readlink(container / "etc/mtab") == "/proc/mounts"
    assert (container / "etc/passwd").read_text() == "root"
    (container / "etc/hosts").read_bytes()
    assert changed(store, image) == []


def test_changes_are_told_as_docker_diff_tells_them(
    store: Store, image: Layer, container: Path
) -> None:
    (container / "etc/passwd").write_text("changed")
    (container / "new/inner").mkdir(parents=True)
    (container / "new/inner/file").touch()
    (container / "data/file").unlink()
    (container / "tmp/x").touch()
    (container / "tmp/x").unlink()
    (container / "link").unlink()
    assert changed(store, image) == [
        "C /data",
        "D /data/file",
        "C /etc",
        "C /etc/passwd",
        "A /new",
        "A /new/inner",
        "A /new/inner/file",
        "D /link",
    ]


def test_a_files_capabilities_are_changes_and_fractions_that_a_tar_leaves_out_are_none(
    store: Store, image: Layer, container: Path
) -> None:
    group, file = container / "etc/group", container / "data/file"
    moment = int(group.stat().st_mtime) * 1_000_000_000
    os.utime(group, ns=(moment, moment))
    capability = struct.pack("<5I", 0x0200_0001, 1 << 10, 0, 0, 0)  # cap_net_bind_service=ep
    os.setxattr(file, "security.capability", capability)

    assert changed(store, image) == ["C /data", "C /data/file"]


def test_a_folder_made_anew_hides_what_it_had(store: Store, image: Layer, container: Path) -> None:
    for name in ("sub/deep", "file"):
        (container / "data" / name).unlink()
    (container / "data/sub").rmdir()
    (container / "data").rmdir()
    (container / "data").mkdir()
    (container / "data/file").write_text("other")
    assert changed(store, image) == ["C /data", "C /data/file", "D /data/sub"]


def test_changes_become_a_layer_that_shows_the_same(
    store: Store, image: Layer, container: Path, tmp_path: Path
) -> None:
    (container / "etc/passwd").write_text("changed")
    (container / "data/file").unlink()
    for name in ("sub/deep",):
        (container / "data" / name).unlink()
    (container / "data/sub").rmdir()
    (container / "data/sub").mkdir()
    (container / "data/sub/fresh").write_text("fresh")
    os.link(container / "etc/passwd", container / "etc/hard")
    upper = store.container_folder("c") / "upper"

    data = b"".join(layer_tar(upper))

    assert data == b"".join(layer_tar(upper))
    names = list(members(iter([data])))
    assert "data/.wh.file" in names
    assert "data/sub/.wh..wh..opq" in names
    with lease_of(store) as lease:
        top = register_layer(lease, [data], image)
    with mounted(view_mount(store, top.chain_id), tmp_path / "view") as view:
        assert sorted(os.listdir(view / "data")) == ["sub"]
        assert os.listdir(view / "data/sub") == ["fresh"]
        assert (view / "etc/hard").samefile(view / "etc/passwd")
        assert (view / "etc/passwd").read_text() == "changed"
        assert not (view / "proc").exists()


def test_a_view_of_anything_can_be_mounted_read_only(
    store: Store, image: Layer, tmp_path: Path
) -> None:
    with (
        mounted(view_mount(store, image.chain_id), tmp_path / "view") as view,
        pytest.raises(OSError, match="Read-only"),
    ):
        (view / "x").touch()
    with mounted(view_mount(store, None), tmp_path / "view") as view:
        assert os.listdir(view) == []


def test_a_view_can_be_opened_without_a_place(store: Store, image: Layer, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    with opened(open_view(store, image.chain_id)) as root:
        assert copy_up(root, "/data", volume)
        assert "proc" not in os.listdir(f"/proc/self/fd/{root}")
    with opened(open_view(store, None, init=True)) as root:
        assert "proc" in os.listdir(f"/proc/self/fd/{root}")
    assert (volume / "sub/deep").read_text() == "deep"
    assert str(store.root) not in Path("/proc/self/mountinfo").read_text()


def test_a_container_of_scratch_and_a_volatile_one_can_be_mounted_again(
    store: Store, tmp_path: Path
) -> None:
    store.container_folder("s").mkdir(parents=True)
    prepare_container(store, "s")
    for number in range(3):
        what = container_mount(store, "s", None, volatile=True)
        with mounted(what, tmp_path / "merged") as root:
            assert (root / "etc/hosts").exists()
            (root / str(number)).touch()
            assert len([name for name in os.listdir(root) if name.isdigit()]) == number + 1


def test_a_hundred_layers_fit_the_page_of_a_mount(store: Store, tmp_path: Path) -> None:
    assert len(str(Path("/var/lib/wherry/layers/l/1234"))) * 128 < 4096 - 300
    layer: Layer | None = None
    with lease_of(store) as lease:
        for number in range(20):
            folder = tmp_path / f"f{number}"
            folder.mkdir()
            (folder / str(number)).touch()
            layer = register_layer(lease, [tar_of(folder)], layer)
    assert layer is not None
    with mounted(view_mount(store, layer.chain_id), tmp_path / "view") as view:
        assert len(os.listdir(view)) == 20


def test_a_path_is_archived_under_its_own_name(container: Path) -> None:
    cases = {
        "/data": ["data", "data/file", "data/sub", "data/sub/deep"],
        "data/": ["data", "data/file", "data/sub", "data/sub/deep"],
        "/data/.": [".", "./file", "./sub", "./sub/deep"],
        "/link/sub": ["sub", "sub/deep"],
        "/link/": ["link", "link/file", "link/sub", "link/sub/deep"],
        "/link": ["link"],
        "/data/file": ["file"],
    }
    with directory_descriptor(container) as root:
        for path, names in cases.items():
            _, chunks = archive_path(root, path)
            assert sorted(members(chunks)) == names, path
        whole = members(export_tree(root))
    assert "etc/passwd" in whole
    assert whole["etc/mtab"].issym()


def test_the_status_of_a_path_is_dockers(container: Path) -> None:
    with directory_descriptor(container) as root:
        status = stat_path(root, "/link")
        assert (status.name, status.link, stat.S_ISLNK(status.mode)) == ("link", "/data", True)
        assert stat.S_ISDIR(stat_path(root, "/link/").mode)
        assert stat_path(root, "/").name == "/"
        assert stat_path(root, "/data/file").size == 4
        with pytest.raises(FileNotFoundError):
            stat_path(root, "/nope")


def test_nothing_outside_a_root_is_archived(container: Path) -> None:
    with directory_descriptor(container) as root:
        _, chunks = archive_path(root, "/evil/")
        assert "evil/mtab" in members(chunks)  # the container's /etc, not the machine's
        with pytest.raises(FileNotFoundError):
            archive_path(root, "/evil/shadow")


def test_an_archive_is_extracted_where_links_in_the_root_lead(container: Path) -> None:
    with directory_descriptor(container) as root:
        extract_archive(root, "/abs", [one_file("put", b"here")])
        extract_archive(root, "/evil", [one_file("put", b"there")], owner=(5, 6))
        with pytest.raises(FileNotFoundError):
            extract_archive(root, "/nope", [one_file("x", b"")])
        with pytest.raises(NotADirectoryError):
            extract_archive(root, "/etc/passwd", [one_file("x", b"")])
        with pytest.raises(InvalidArchive, match="outside"):
            extract_archive(root, "/data", [one_file("../../x", b"")])
    assert (container / "data/sub/put").read_text() == "here"
    assert (container / "etc/put").read_text() == "there"
    assert (container / "etc/put").stat().st_uid == 5


def test_kinds_are_kept_when_asked(container: Path) -> None:
    with directory_descriptor(container) as root:
        with pytest.raises(InvalidArchive, match=r"cannot overwrite directory .* with non-dir"):
            extract_archive(root, "/", [one_file("data", b"")], keep_kinds=True)
        extract_archive(root, "/", [one_file("data/file", b"new")], keep_kinds=True)
    assert (container / "data/file").read_text() == "new"


def one_file(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def test_a_volume_is_filled_once_with_everything(container: Path, tmp_path: Path) -> None:
    source = container / "data"
    os.chown(source, 7, 8)
    os.chmod(source, 0o2770)
    os.chown(source / "file", 9, 10)
    os.utime(source / "file", ns=(1, 123_456_789))
    os.setxattr(source / "file", "user.note", b"note")
    os.link(source / "file", source / "hard")
    with (source / "sparse").open("wb") as file:
        file.truncate(10 << 20)
    volume = tmp_path / "volume"
    volume.mkdir()
    with directory_descriptor(container) as root:
        assert copy_up(root, "/link/../data", volume)
        assert not copy_up(root, "/etc", volume)
        (tmp_path / "other").mkdir()
        assert not copy_up(root, "/missing", tmp_path / "other")
    status = volume.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (7, 8, 0o2770)
    copied = volume / "file"
    assert (copied.stat().st_uid, copied.stat().st_mtime_ns) == (9, 123_456_789)
    assert os.getxattr(copied, "user.note") == b"note"
    assert copied.samefile(volume / "hard")
    assert (volume / "sparse").stat().st_blocks == 0
    assert (volume / "sub/deep").read_text() == "deep"


def test_a_deep_tree_is_an_error_and_no_crash(container: Path, tmp_path: Path) -> None:
    deep: Callable[[int], str] = lambda levels: "/".join(["d"] * levels)  # noqa: E731
    (container / "tmp" / deep(600)).mkdir(parents=True)
    with directory_descriptor(container) as root, pytest.raises(OSError, match="too long"):
        list(export_tree(root))


def test_unpacking_what_was_exported_gives_the_same(container: Path, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    with directory_descriptor(container) as root:
        data = b"".join(export_tree(root))
    unpack_layer([data], tmp_path / "again")
    with directory_descriptor(tmp_path / "again") as root:
        assert b"".join(export_tree(root)) == data
