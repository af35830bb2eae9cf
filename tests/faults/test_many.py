"""Many containers, one after another and at once: nothing of them stays on the host."""

import subprocess
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.traces import Survey, survey
from wherry.testing.waiting import eventually

pytestmark = [pytest.mark.needs("containers", "nftables"), pytest.mark.timeout(300)]


def rules() -> str:
    """Our firewall rules, with what changes by itself left out."""
    shown = subprocess.run(
        ["nft", "--stateless", "list", "ruleset"], capture_output=True, text=True, check=True
    )
    return shown.stdout


def namespaces() -> int:
    """How many network namespaces processes are in."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            found.add(link.readlink())
        except OSError:
            continue
    return len(found)


def nothing_stays(wherry: Wherry, before: Survey, rules_before: str, spaces_before: int) -> None:
    run = wherry.run_folder / "containers"
    eventually(
        lambda: not survey((str(wherry.run_folder),)).new_since(before),
        seconds=20,
        what="traces gone",
    )
    assert rules() == rules_before
    assert eventually(lambda: namespaces() <= spaces_before, seconds=20)
    assert eventually(lambda: list(run.iterdir()) == [])
    assert list((wherry.root / "containers").iterdir()) == []
    assert list((wherry.root / "tmp").iterdir()) == []


def test_two_hundred_starts_and_stops_leave_nothing(wherry: Wherry) -> None:
    wherry("run", "--rm", "-p", "18999:80", "busybox", "true")  # makes bridge, table and launcher
    before = survey((str(wherry.run_folder),))
    state = (before, rules(), namespaces())
    wherry("create", "--name", "cycle", "-p", "18999:80", "-v", "cycle:/data", "busybox", "true")

    for _ in range(200):
        wherry("start", "-a", "cycle")

    assert wherry("inspect", "-f", "{{.State.ExitCode}}", "cycle").stdout == "0\n"
    wherry("rm", "cycle")
    wherry("volume", "rm", "cycle")
    nothing_stays(wherry, *state)


def test_fifty_at_once_leave_nothing(wherry: Wherry) -> None:
    wherry("run", "--rm", "busybox", "true")
    before = survey((str(wherry.run_folder),))
    state = (before, rules(), namespaces())

    crowd = [wherry.start("run", "--rm", "busybox", "echo", str(n)) for n in range(50)]
    outcomes = [(process.communicate(), process.returncode) for process in crowd]

    assert [(out, code) for (out, _), code in outcomes] == [
        (f"{n}\n".encode(), 0) for n in range(50)
    ]
    nothing_stays(wherry, *state)
