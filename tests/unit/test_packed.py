"""Modules in one file: never other ones than without it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import wherry

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from wherry import packed
packed.install()
import json, wherry.errors, wherry.store
print(*(type(m.__loader__).__name__ for m in (json, wherry.errors, wherry.store)))
print(wherry.errors.__file__, wherry.store.__path__, getattr(wherry.errors, "ADDED", ""))
packed.refresh()
"""
PLAIN, PACKED = "SourceFileLoader", "_Loader"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the program, which has no pack."""
    left_out = shutil.ignore_patterns("*.pack", "*.pyc")
    shutil.copytree(Path(wherry.__file__).parent, tmp_path / "wherry", ignore=left_out)
    return tmp_path


def run(copy: Path) -> tuple[list[str], str]:
    """The loaders of three modules, and what one of them says."""
    command = [sys.executable, "-I", "-S", "-c", PROGRAM, str(copy)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    loaders, said = result.stdout.splitlines()
    assert said.startswith(f"{copy}/wherry/errors.py ['{copy}/wherry/store']")
    return loaders.split(), said.split()[-1]


def pack_of(copy: Path) -> Path:
    (found,) = (copy / "wherry" / "__pycache__").glob("*.pack")
    return found


def test_modules_come_from_the_pack_once_they_were_loaded_without_it(copy: Path) -> None:
    assert run(copy)[0] == [PLAIN] * 3

    assert run(copy)[0] == [PACKED] * 3
    written = pack_of(copy).stat().st_ino
    assert run(copy)[0] == [PACKED] * 3
    assert pack_of(copy).stat().st_ino == written


def test_a_changed_source_is_what_counts(copy: Path) -> None:
    run(copy)
    source = copy / "wherry" / "errors.py"
    source.write_text(source.read_text() + "\nADDED = 'added'\n")

    assert run(copy) == ([PACKED, PLAIN, PACKED], "added")
    assert run(copy) == ([PACKED] * 3, "added")


def test_a_source_that_is_gone_is_gone(copy: Path) -> None:
    run(copy)
    (copy / "wherry" / "errors.py").unlink()

    command = [sys.executable, "-I", "-S", "-c", PROGRAM, str(copy)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)

    assert "No module named 'wherry.errors'" in result.stderr


@pytest.mark.parametrize("kept", [0, 5, 2000])
def test_a_pack_that_was_cut_short_is_as_none(copy: Path, kept: int) -> None:
    run(copy)
    os.truncate(pack_of(copy), kept)

    assert run(copy)[0] == [PLAIN] * 3
    assert run(copy)[0] == [PACKED] * 3
