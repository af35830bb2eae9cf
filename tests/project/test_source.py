"""The source itself: style, types and layers, checked with everything else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "--no-cache", "."),
        ("ruff", "format", "--check", "--no-cache", "."),
        ("mypy",),
        ("lint-imports", "--no-cache"),
    ],
    ids=lambda command: command[0] if len(command) == 1 else "-".join(command[:2]),
)
def test_the_source_passes(command: tuple[str, ...]) -> None:
    result = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_files_are_short_enough_to_read() -> None:
    long = {
        str(path.relative_to(PROJECT)): lines
        for folder in ("src", "tests", "benchmarks")
        for path in (PROJECT / folder).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 600
    }
    assert long == {}


def test_no_source_pays_for_dataclasses() -> None:
    """`wherry.values` has them at a twentieth of what they cost each start."""
    importing = {
        str(path.relative_to(PROJECT))
        for path in (PROJECT / "src").rglob("*.py")
        if re.search(r"^(from dataclasses import|import dataclasses)", path.read_text(), re.M)
    }
    assert importing == set()


def test_every_module_can_be_imported() -> None:
    """Alone, as a user's program may: also those that the command line and the tests go round."""
    program = (
        "import importlib, pkgutil, wherry\n"
        "for module in pkgutil.walk_packages(wherry.__path__, 'wherry.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
