"""What a child goes over before it has a request: a rehearsal that breaks off helps nobody, and
nobody would see it."""

import gc
import os
from pathlib import Path

import pytest

from wherry.engine.engine import Engine
from wherry.engine.requests.execs import plan_exec_in_vain
from wherry.testing.command import Wherry

pytestmark = pytest.mark.needs("root")


def test_an_exec_is_rehearsed_to_its_end_where_there_is_no_container(tmp_path: Path) -> None:
    gc.collect()
    before = os.listdir("/proc/self/fd")

    plan_exec_in_vain(Engine(tmp_path / "root", tmp_path / "run"), "")

    gc.collect()
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.needs("containers")
def test_an_exec_is_rehearsed_to_its_end_in_a_container(wherry: Wherry) -> None:
    entry = "somebody:x:77:77::/:/bin/sh"
    add = f"echo {entry} >> /etc/passwd; echo {entry} >> /etc/group"
    wherry("run", "--name", "made", "busybox", "sh", "-c", add)
    wherry("commit", "made", "peopled")
    words = ("run", "-d", "-u", "somebody", "--group-add", "somebody", "peopled", "sleep", "100")
    identity = wherry(*words).stdout.strip()

    plan_exec_in_vain(Engine(wherry.root, wherry.run_folder), identity)

    assert wherry("exec", identity, "id", "-un").stdout == "somebody\n"
