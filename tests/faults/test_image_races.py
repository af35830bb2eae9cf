"""Removals beside pulls, loads, builds and runs of the same layers: nothing is ever half there."""

import gzip
import os
from pathlib import Path

import pytest

from tests.faults.test_races import at_once
from wherry.testing.archives import old_archive, tar
from wherry.testing.command import Wherry
from wherry.testing.registries import HostileRegistry

pytestmark = [pytest.mark.needs("containers", "nftables"), pytest.mark.timeout(900)]

ROUNDS = int(os.environ.get("WHERRY_KILLS", "6")) // 3
BASE = tar({f"base/{number}": b"base" * 500 for number in range(200)})
OWN = {name: tar({f"{name}/file": name.encode() * 9000}) for name in ("one", "two")}
PRUNE = ("system", "prune", "-a", "-f")


def archive_of(name: str) -> bytes:
    return old_archive([BASE, OWN[name]], f"{name}:1")


def assert_whole(wherry: Wherry) -> None:
    checked = wherry("system", "check", "--rehash", check=False)
    assert checked.returncode == 0, checked.stdout


def test_pulls_and_loads_beside_removals_of_what_they_share(wherry: Wherry, tmp_path: Path) -> None:
    (tmp_path / "two").write_bytes(archive_of("two"))
    other = Wherry(tmp_path / "root", tmp_path / "run")
    with HostileRegistry() as registry:
        registry.add_image({gzip.compress(layer, 1): layer for layer in (BASE, OWN["one"])})
        name = f"{registry.host}/team/one"
        for _ in range(ROUNDS):
            outcomes = at_once(
                other,
                ("pull", name),
                ("load", "-i", str(tmp_path / "two")),
                PRUNE,
                ("rmi", "-f", name),
                ("pull", name),
                ("image", "prune", "-a", "-f"),
                ("load", "-i", str(tmp_path / "two")),
            )

            assert [code for code, _, _ in outcomes if code] == [], outcomes
            assert_whole(other)
        assert [code for code, _, _ in at_once(other, ("pull", name), PRUNE) if code] == []
    other("system", "launcher", "stop")


def test_runs_and_builds_beside_removals_of_their_image(wherry: Wherry, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM tool:1\nRUN echo built > /built\nCOPY . /copied\n")
    run = ("run", "--rm", "--network=none", "--pull=never", "tool:1", "ls", "/bin/busybox")
    wherry("tag", "busybox", "kept:1")
    for _ in range(ROUNDS):
        wherry("tag", "busybox", "tool:1")

        outcomes = at_once(
            wherry,
            run,
            ("build", "-q", "--network=none", "-t", "built:1", str(context)),
            ("rmi", "-f", "tool:1"),
            run,
            ("builder", "prune", "-a", "-f"),
            ("image", "prune", "-f"),
        )

        for code, output, errors in (outcomes[0], outcomes[3]):
            whole = (code, output) == (0, "/bin/busybox\n")
            assert whole or (code == 125 and "No such image: tool:1" in errors), errors
        code, _, errors = outcomes[1]
        assert code == 0 or "tool:1" in errors, errors
        assert [code for code, _, _ in outcomes[4:]] == [0, 0], outcomes
        assert_whole(wherry)
    wherry("rmi", "kept:1")
