"""examples/practice: images that share a base, an API and its database that find each other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wherry.testing.command import Wherry

EXAMPLE = Path(__file__).parents[2] / "examples" / "practice"


@pytest.mark.needs("containers", "nftables", "mmdebstrap", "mirror", "pypi")
@pytest.mark.timeout(600)
def test_the_practice_works_as_its_page_says(wherry: Wherry) -> None:
    before = set(wherry("images", "-q").stdout.split())

    result = subprocess.run(
        [EXAMPLE / "run"],
        env=os.environ | wherry.environment | {"WHERRY": f"{sys.executable} -m wherry"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    first, second, third = result.stdout.splitlines()[-3:]
    assert first.startswith("Hello, visitor ")
    assert second.startswith("Good morning, visitor ")
    visitors = [int(line.split()[-1]) for line in (first, second, third)]
    assert visitors == sorted(set(visitors)), "the second database has what the first had"
    # A change of the source rebuilds the last layer alone; here nothing has changed.
    explained = wherry("build", "--explain", "-t", "practice-api", str(EXAMPLE / "api")).stdout
    assert "everything is in the cache" in explained
    assert before < set(wherry("images", "-q").stdout.split())
