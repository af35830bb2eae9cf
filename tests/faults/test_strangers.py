"""A number that a container's process had may be another's by now: that one is left alone."""

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import kill, shims_of
from wherry.testing.command import Wherry

pytestmark = [pytest.mark.needs("containers", "nftables"), pytest.mark.timeout(120)]


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of the host that is none of a container."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def give_number_to(wherry: Wherry, stranger: "subprocess.Popen[bytes]") -> None:
    """Make the record of `it` name the stranger's number, as if the kernel had given it again."""
    database = sqlite3.connect(wherry.root / "wherry.db")
    with database:
        ((text,),) = database.execute("SELECT state FROM containers WHERE name = 'it'").fetchall()
        state = json.loads(text)
        assert state["pid"] > 0
        state["pid"] = stranger.pid
        database.execute("UPDATE containers SET state = ? WHERE name = 'it'", (json.dumps(state),))
    database.close()


def test_nothing_enters_a_stranger(
    clean: Wherry, stranger: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    mark = tmp_path / "wherry-mark"
    mark.touch()
    clean("run", "-d", "--name", "it", "busybox", "sleep", "100")
    give_number_to(clean, stranger)

    assert clean("exec", "it", "true", check=False).returncode == 1
    clean("cp", str(mark), "it:/", check=False)
    assert not Path("/wherry-mark").exists()
    joined = clean("run", "--rm", "--network=container:it", "busybox", "true", check=False)
    assert joined.returncode == 125
    clean("kill", "it")

    assert stranger.poll() is None


def test_a_repair_kills_no_stranger(clean: Wherry, stranger: "subprocess.Popen[bytes]") -> None:
    clean("run", "-d", "--name", "it", "busybox", "sleep", "100")
    kill(shims_of(clean))
    give_number_to(clean, stranger)

    assert clean("ps", "-q").stdout == ""
    clean("rm", "it")

    assert stranger.poll() is None
