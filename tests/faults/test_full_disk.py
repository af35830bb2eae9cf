"""A full disk: one clear line, nothing half made, and all is well once there is room again."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.linux.mount import UnmountFlag, mount, unmount
from wherry.network.plug import remove_bridge_if_unused
from wherry.store.store import Store
from wherry.testing.command import Wherry
from wherry.testing.traces import left_on_disk
from wherry.testing.waiting import eventually, none_of

pytestmark = pytest.mark.needs("containers", "nftables")

NO_ROOM = "no space left on device"


class SmallDisk:
    """An installation on a disk that can be filled."""

    def __init__(self, base: Path) -> None:
        self.wherry = Wherry(base / "disk" / "root", base / "run")
        self._filler = base / "disk" / "filler"

    def fill(self) -> None:
        block = b"x" * 65536
        with self._filler.open("wb", buffering=0) as file:
            while block:
                try:
                    file.write(block)
                except OSError:
                    block = block[: len(block) // 2]

    def make_room(self) -> None:
        self._filler.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="wherry-full-", dir="/var/tmp"))
    (folder / "disk").mkdir()
    mount("tmpfs", "tmpfs", folder / "disk", 0, "size=16m")
    try:
        yield folder
    finally:
        unmount(folder / "disk", UnmountFlag.DETACH)
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def installed(base: Path) -> Iterator[SmallDisk]:
    disk = SmallDisk(base)
    disk.wherry("bootstrap", "busybox")
    disk.wherry("run", "--rm", "busybox", "true")
    yield disk
    disk.wherry("system", "launcher", "stop")
    remove_bridge_if_unused(Store(disk.wherry.root, disk.wherry.run_folder))


@pytest.fixture
def disk(installed: SmallDisk) -> Iterator[SmallDisk]:
    yield installed
    installed.make_room()
    installed.wherry.remove_everything()
    none_of(lambda: left_on_disk(installed.wherry.root, installed.wherry.run_folder))


def assert_refused(disk: SmallDisk, *words: str, status: int) -> None:
    result = disk.wherry(*words, check=False)
    assert result.returncode == status
    assert NO_ROOM in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") <= 3


def test_nothing_is_made_without_room(disk: SmallDisk) -> None:
    disk.wherry("run", "--name", "old", "busybox", "true")
    disk.fill()

    assert_refused(disk, "run", "--rm", "-v", "/bin", "busybox", "true", status=125)
    assert_refused(disk, "run", "--name", "new", "busybox", "true", status=125)
    assert_refused(disk, "start", "old", status=1)
    assert_refused(disk, "volume", "create", "more", status=1)
    assert disk.wherry("ps", "-a", "--format", "{{.Names}}").stdout == "old\n"

    disk.make_room()
    assert disk.wherry("volume", "ls", "-q").stdout == ""
    disk.wherry("start", "-a", "old")
    disk.wherry("run", "--rm", "-v", "more:/bin", "busybox", "true")


def test_a_volume_is_filled_or_empty(disk: SmallDisk) -> None:
    disk.wherry("volume", "create", "tools")
    disk.fill()
    content = disk.wherry.root / "volumes" / "tools" / "_data"

    assert_refused(disk, "run", "--rm", "-v", "tools:/bin", "busybox", "true", status=125)
    assert list(content.iterdir()) == []

    disk.make_room()
    disk.wherry("run", "--rm", "-v", "tools:/bin", "busybox", "true")
    assert (content / "busybox").exists()


def test_what_runs_goes_on_without_room(disk: SmallDisk) -> None:
    wherry = disk.wherry
    chatter = "while read word; do echo $word; [ $word = end ] && exit 3; done"
    client = wherry.start(
        "run", "-i", "-p", "18991:80", "--name", "it", "busybox", "sh", "-c", chatter
    )
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(b"before\n")
    client.stdin.flush()
    assert client.stdout.readline() == b"before\n"
    disk.fill()

    client.stdin.write(b"during\n" * 2000)
    client.stdin.flush()
    assert wherry("exec", "it", "echo", "alive").stdout == "alive\n"
    client.stdin.write(b"end\n")
    output, errors = client.communicate(timeout=30)

    assert (output, errors, client.returncode) == (b"during\n" * 2000 + b"end\n", b"", 3)
    disk.make_room()
    eventually(
        lambda: (
            wherry("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "it").stdout
            == "exited 3\n"
        ),
        what="the end recorded",
    )
    lines = set(wherry("logs", "it").stdout.splitlines())
    assert "before" in lines
    assert lines <= {"before", "during", "end"}
    wherry("run", "--rm", "-p", "18991:80", "busybox", "true")


def test_copies_and_images_of_a_container_need_room(disk: SmallDisk, tmp_path: Path) -> None:
    wherry = disk.wherry
    (tmp_path / "large").write_bytes(bytes(range(256)) * 4096)
    wherry("run", "-d", "--name", "it", "busybox", "sh", "-c", "cp /bin/busybox /copy; sleep 100")
    wherry("exec", "it", "sh", "-c", "until [ -s /copy ]; do :; done")
    disk.fill()

    assert_refused(disk, "cp", str(tmp_path / "large"), "it:/large", status=1)
    assert_refused(disk, "commit", "it", "half", status=1)
    assert_refused(disk, "run", "-d", "busybox", "true", status=125)
    assert "half:latest" not in wherry.images()

    disk.make_room()
    wherry("cp", str(tmp_path / "large"), "it:/large")
    assert wherry("exec", "it", "wc", "-c", "/large").stdout == "1048576 /large\n"
    wherry("commit", "it", "whole")
    wherry("rmi", "whole")


def test_a_container_can_be_stopped_without_room(disk: SmallDisk) -> None:
    disk.wherry("run", "-d", "--restart=always", "--name", "it", "busybox", "sleep", "100")
    disk.fill()

    assert disk.wherry("stop", "-t", "0", "it").stdout == "it\n"

    disk.make_room()
    eventually(
        lambda: disk.wherry("inspect", "-f", "{{.State.Status}}", "it").stdout == "exited\n",
        what="the end recorded",
    )


def test_a_build_fails_with_one_line_and_the_next_one_is_right(
    disk: SmallDisk, tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(bytes(range(256)) * 80_000)
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM busybox\nRUN echo kept > /kept\nCOPY big /\n")

    failed = disk.wherry("build", str(tmp_path), check=False)

    assert failed.returncode == 1
    assert failed.stderr.endswith("failed to solve: /big: no space left on device\n")
    dockerfile.write_text("FROM busybox\nRUN echo kept > /kept\nRUN cat /kept\n")
    again = disk.wherry("build", "-t", "again", str(tmp_path))
    assert again.stderr.count("CACHED") == 1
    disk.wherry("rmi", "again")
    disk.wherry("builder", "prune", "-a", "-f")
