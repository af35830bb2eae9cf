"""Commands at the same time, about the same thing: each ends well, one after the other or not."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.conftest import shims_of
from wherry.network.plug import remove_bridge_if_unused
from wherry.shim.lock import remove_run_folder, take_new_shim_lock, try_shim_lock
from wherry.store.store import Store
from wherry.testing.command import Wherry

pytestmark = [pytest.mark.needs("containers", "nftables"), pytest.mark.timeout(120)]

Outcome = tuple[int, str, str]


def at_once(wherry: Wherry, *commands: Sequence[str]) -> list[Outcome]:
    """Start all, then wait for all; none may show a traceback or hang."""
    running: list[subprocess.Popen[bytes]] = [wherry.start(*words) for words in commands]
    outcomes = []
    for process in running:
        output, errors = process.communicate(timeout=60)
        outcomes.append((process.returncode, output.decode(), errors.decode()))
    assert not [errors for _, _, errors in outcomes if "Traceback" in errors or "Error:" in errors]
    return outcomes


def state(wherry: Wherry) -> str:
    listed = wherry("ps", "-a", "--filter", "name=it", "--format", "{{.Names}} {{.State}}")
    return listed.stdout.strip()


def test_starters_of_one_container(clean: Wherry) -> None:
    clean("run", "--name", "it", "busybox", "true")
    clean("rm", "it")
    clean("run", "-d", "--name", "it", "busybox", "sleep", "100")
    clean("stop", "-t", "0", "it")

    outcomes = at_once(clean, *[("start", "it")] * 6)

    assert outcomes == [(0, "it\n", "")] * 6
    assert state(clean) == "it running"
    assert len(shims_of(clean)) == 1


def test_makers_of_one_name(clean: Wherry) -> None:
    outcomes = at_once(clean, *[("run", "-d", "--name", "it", "busybox", "sleep", "100")] * 5)

    assert sorted(code for code, _, _ in outcomes) == [0, 125, 125, 125, 125]
    assert all('"/it" is already in use' in errors for code, _, errors in outcomes if code)
    assert len(shims_of(clean)) == 1


def test_users_of_a_volume_that_is_not_there(clean: Wherry) -> None:
    words = ("run", "--rm", "-v", "shared:/bin", "busybox", "sh", "-c", "echo $(ls /bin | wc -l)")

    outcomes = at_once(clean, *[words] * 6)

    assert len(set(outcomes)) == 1, outcomes  # nobody has seen it half filled
    assert outcomes[0][0] == 0
    assert int(outcomes[0][1]) > 100


@pytest.mark.parametrize("other", [("stop", "-t", "0"), ("kill",), ("restart", "-t", "0")])
def test_an_order_while_it_ends_and_restarts_by_itself(
    clean: Wherry, other: tuple[str, ...]
) -> None:
    clean("run", "-d", "--name", "it", "--restart=always", "busybox", "sleep", "0.05")

    for _ in range(2):
        outcomes = at_once(clean, (*other, "it"), ("ps", "-a"), (*other, "it"))
        for code, output, errors in (outcomes[0], outcomes[2]):
            assert (code, output) == (0, "it\n") or "is not running" in errors
        clean("start", "it")

    if other[0] != "restart":
        clean(*other, "it", check=False)
        assert state(clean) == "it exited"
    clean("rm", "-f", "it")


@pytest.mark.parametrize(
    "other",
    [
        ("exec", "it", "true"),
        ("logs", "-f", "it"),
        ("start", "it"),
        ("restart", "-t", "0", "it"),
        ("stop", "-t", "0", "it"),
        ("rm", "-f", "it"),
        ("rename", "it", "it2"),
        ("inspect", "it"),
    ],
)
def test_a_removal_beside_anything_else(clean: Wherry, other: tuple[str, ...]) -> None:
    clean("run", "-d", "--name", "it", "busybox", "sh", "-c", "echo up; sleep 100")

    removal, beside = at_once(clean, ("rm", "-f", "it"), other)

    assert removal[0] == 0 or "No such container" in removal[2]
    assert beside[0] in (0, 1, 126, 137), beside
    clean("rm", "-f", "it", "it2", check=False)
    assert state(clean) == ""
    assert shims_of(clean) == []


def test_renames_to_one_name(clean: Wherry) -> None:
    for name in ("it1", "it2", "it3"):
        clean("run", "--name", name, "busybox", "true")

    outcomes = at_once(clean, *[("rename", f"it{n}", "it") for n in (1, 2, 3)])

    assert sorted(code for code, _, _ in outcomes) == [0, 1, 1]
    assert len(state(clean).splitlines()) == 3


@pytest.fixture
def unused() -> Iterator[Wherry]:
    """Folders that are not there yet: no database, no launcher, no bridge, no table."""
    base = Path(tempfile.mkdtemp(prefix="wherry-first-", dir="/var/tmp"))
    wherry = Wherry(base / "root", base / "run")
    yield wherry
    wherry.remove_everything()
    wherry("system", "launcher", "stop")
    remove_bridge_if_unused(Store(wherry.root, wherry.run_folder))
    shutil.rmtree(base)


def test_first_commands_at_once(unused: Wherry) -> None:
    listings = at_once(unused, *[("ps", "-aq")] * 4, *[("volume", "ls", "-q")] * 4)
    assert listings == [(0, "", "")] * 8
    unused("bootstrap", "busybox")

    outcomes = at_once(
        unused, *[("run", "--rm", "-p", "80", "-v", "one:/data", "busybox", "echo", "up")] * 8
    )

    assert outcomes == [(0, "up\n", "")] * 8


def test_a_build_s_container_outlasts_who_takes_it_for_a_leftover(tmp_path: Path) -> None:
    store = Store(tmp_path / "root", tmp_path / "run")
    new = "b" * 64
    repairer = try_shim_lock(store, new, of_file=True)  # has seen the folder before its lock
    assert repairer is not None
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(take_new_shim_lock, store, new)
        remove_run_folder(store, new)
        os.close(repairer)
        lock = taking.result(timeout=10)

    assert os.path.samestat(os.fstat(lock), os.stat(store.container_run_folder(new) / "shim.lock"))
    os.close(lock)
