"""`system df` tells where the bytes on disk are: all of them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from wherry.testing.archives import old_archive, tar
from wherry.testing.command import Wherry

pytestmark = pytest.mark.needs("containers")

_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}


def number_of(text: str) -> float:
    digits = text.rstrip("kMGB")
    return float(digits) * _UNITS[text[len(digits) :]]


def used_by(folder: Path) -> int:
    result = subprocess.run(["du", "-s", "-B1", folder], check=True, capture_output=True)
    return int(result.stdout.split()[0])


def test_the_sum_is_what_du_says(wherry: Wherry) -> None:
    layers = [tar({f"{number}/{name}": b"x" * 1000 for name in range(30)}) for number in (1, 2)]
    wherry("load", stdin=old_archive(layers, "df:1"))
    write = "head -c 900000 /dev/zero > /data/big; head -c 300000 /dev/zero > /own"
    wherry("run", "--network=none", "-v", "df-data:/data", "busybox", "sh", "-c", write)
    begun = wherry.root / "downloads" / ("sha256-" + "a" * 64)
    begun.parent.mkdir(exist_ok=True)
    begun.write_bytes(b"d" * 250_000)

    rows = wherry("system", "df", "--format", "json").stdout.splitlines()
    details = wherry("system", "df", "-v").stdout
    counted = used_by(wherry.root)

    begun.unlink()
    sizes = {row["Type"]: number_of(row["Size"]) for row in map(json.loads, rows)}
    assert sum(sizes.values()) == pytest.approx(counted, rel=0.01)
    assert sizes["Containers"] > 300_000
    assert sizes["Local Volumes"] > 900_000
    assert sizes["Other"] > 250_000
    (total,) = [line for line in details.splitlines() if line.startswith("Space on disk: ")]
    assert number_of(total.removeprefix("Space on disk: ")) == pytest.approx(counted, rel=0.01)


def test_what_containers_and_links_hold_is_not_reclaimable(wherry: Wherry) -> None:
    def reclaimable() -> dict[str, str]:
        lines = wherry(
            "system", "df", "--format", "{{.Type}}: {{.Reclaimable}}"
        ).stdout.splitlines()
        return dict(line.split(": ") for line in lines)

    wherry("load", stdin=old_archive([tar({"file": b"x" * 5_000_000})], "df:1"))
    unused = reclaimable()
    wherry("create", "--network=none", "-v", "df-data:/data", "df:1", "/file")
    used = reclaimable()

    freed = number_of(unused["Images"].split()[0]) - number_of(used["Images"].split()[0])
    assert freed > 4_000_000  # both are rounded, to 0.5 MB if there is much
    assert used["Local Volumes"] == "0B (0%)"
    assert used["Containers"].endswith("%)")


def test_the_tables_are_dockers_and_one_more(
    beside_docker: Callable[..., tuple[str, str]],
) -> None:
    def titles(text: str) -> list[str]:
        lines = text.splitlines()
        return [
            " ".join(line.split())
            for line in lines
            if "usage:" in line or "SIZE" in line.split() or line.startswith("CONTAINER ID")
        ]

    ours, theirs = beside_docker("system", "df", "-v")

    space = titles(ours)[len(titles(theirs)) :]
    assert titles(ours)[: len(titles(theirs))] == titles(theirs)
    assert space == ["TYPE CONTENT PLACE SIZE RECLAIMABLE"]
    ours, theirs = beside_docker("system", "df", "--format", "{{.Type}} {{.Active}}")
    assert ours.splitlines()[:-1] == theirs.splitlines()
