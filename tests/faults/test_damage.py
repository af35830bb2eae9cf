"""What is broken, missing or forbidden: one clear line each, and what is in order goes on."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.faults.conftest import kill, processes_of
from wherry.errors import WherryError
from wherry.linux.mount import MountFlag, UnmountFlag, mount, unmount
from wherry.network.plug import remove_bridge_if_unused
from wherry.store.store import Store
from wherry.testing.command import Wherry

pytestmark = pytest.mark.needs("containers", "nftables")


@pytest.fixture
def own() -> Iterator[Wherry]:
    """An installation that may be broken."""
    base = Path(tempfile.mkdtemp(prefix="wherry-broken-", dir="/var/tmp"))
    wherry = Wherry(base / "root", base / "run")
    wherry("bootstrap", "busybox")
    yield wherry
    wherry("system", "launcher", "stop")
    with suppress(WherryError):  # its database may be broken, and then it has not come so far
        remove_bridge_if_unused(Store(wherry.root, wherry.run_folder))
    shutil.rmtree(base)


def complaint(wherry: Wherry, *words: str) -> str:
    """The one line with which a command fails, without what is always said beside it."""
    result = wherry(*words, check=False)
    assert result.returncode in (1, 125)
    assert "Traceback" not in result.stderr
    beside = ("Run '", "Hint: ", "wherry: failed to start containers: ")
    (line,) = [line for line in result.stderr.splitlines() if line and not line.startswith(beside)]
    return line


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (1, "has schema version 1, of an earlier Wherry"),
        (99, "has schema version 99; this Wherry knows"),
    ],
)
def test_a_database_of_another_version_is_left_alone(own: Wherry, version: int, words: str) -> None:
    connection = sqlite3.connect(own.root / "wherry.db")
    connection.execute(f"PRAGMA user_version={version}")
    connection.close()

    assert words in complaint(own, "ps", "-a")
    assert words in complaint(own, "run", "busybox", "true")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(b"no database at all\n" * 999), "it is no database"),
        (lambda path: path.write_bytes(path.read_bytes()[:512] + b"\xff" * 60_000), "damaged"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be opened"),
    ],
)
def test_a_damaged_database_is_named(own: Wherry, damage: object, words: str) -> None:
    path = own.root / "wherry.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert callable(damage)
    damage(path)

    for command in (("ps", "-a"), ("run", "busybox", "true"), ("volume", "ls"), ("start", "it")):
        said = complaint(own, *command)
        assert str(path) in said
        assert words in said


def test_a_read_only_root_is_named(own: Wherry) -> None:
    own("run", "--name", "it", "busybox", "true")
    mount("", str(own.root), own.root, MountFlag.BIND)
    mount("", "", own.root, MountFlag.BIND | MountFlag.REMOUNT | MountFlag.RDONLY)
    try:
        for command in (("run", "busybox", "true"), ("start", "it"), ("volume", "create", "new")):
            assert "read-only file system" in complaint(own, *command)
    finally:
        unmount(own.root, UnmountFlag.DETACH)
    own("start", "-a", "it")
    own("rm", "it")


def test_a_reboot_is_told_from_a_kill(own: Wherry) -> None:
    for name, policy in (("always", "always"), ("never", "no")):
        own("run", "-d", "--name", name, f"--restart={policy}", "-p", "80", "busybox", "sleep", "9")
    kill(processes_of(own))
    for process in Path("/sys/fs/cgroup/pids/wherry").glob("*/cgroup.procs"):
        kill([int(pid) for pid in process.read_text().split()])
    shutil.rmtree(own.run_folder)

    listed = own("ps", "-a", "--format", "{{.Names}} {{.Status}}").stdout

    assert "never Exited (255)" in listed
    assert "always Exited (255)" in listed
    assert "always" in own("system", "restore").stdout
    assert own("ps", "--format", "{{.Names}}").stdout == "always\n"
    own.remove_everything()
    remove_bridge_if_unused(Store(own.root, own.run_folder))


def test_a_database_of_an_earlier_version_is_told_and_left_alone(own: Wherry) -> None:
    own("system", "launcher", "stop")
    with closing(sqlite3.connect(own.root / "wherry.db")) as connection:
        connection.execute("PRAGMA user_version=1")

    assert "has schema version 1, of an earlier Wherry" in complaint(own, "ps")
    assert "has schema version 1, of an earlier Wherry" in complaint(own, "run", "busybox")
    with closing(sqlite3.connect(own.root / "wherry.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
