"""Flags of folders, read back with the program that people use."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from wherry.linux.inode_flags import spread_subfolders


@pytest.mark.parametrize("place", ["/var/tmp", "/dev/shm"])
def test_a_folder_s_children_are_spread_where_the_filesystem_can(place: str) -> None:
    with TemporaryDirectory(dir=place) as theirs, TemporaryDirectory(dir=place) as ours:
        is_possible = subprocess.run(["chattr", "+T", theirs], capture_output=True, check=False)

        spread_subfolders(Path(ours))

        assert flags(ours) == (flags(theirs) if is_possible.returncode == 0 else "")


def flags(folder: str) -> str:
    result = subprocess.run(
        ["lsattr", "-d", folder], capture_output=True, text=True, check=False
    ).stdout
    return result.split(" ")[0] if "T" in result.split(" ")[0] else ""
