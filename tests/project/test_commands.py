"""The table of commands and the modules behind it agree."""

from importlib import import_module
from pathlib import Path

import pytest

import wherry.cli
from wherry.cli.commands import Row, rows
from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax
from wherry.cli.help import command_help

FOLDER = Path(wherry.cli.__file__).parent
NOUNS = (
    "builds",
    "completion",
    "containers",
    "images",
    "lint",
    "manifests",
    "networks",
    "registry",
    "system",
    "volumes",
)
SHARED = {
    "containers.create_flags",
    "containers.creation",
    "containers.stop_flags",
    "containers.streaming",
    "containers.supervised",
    "containers.terminal",
    "images.layers_page",
    "builds.cached",
    "builds.calls",
    "builds.display",
    "builds.explanations",
    "builds.failures",
    "builds.tree",
    "builds.warnings",
    "completion.choices",
    "completion.place",
    "completion.scripts",
    "completion.words",
    "lint.surroundings",
}  # not commands, but what several of them have in common


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.names[0])
def test_a_row_has_a_module_that_can_run(row: Row) -> None:
    module = import_module(row.module)

    assert isinstance(module.SYNTAX, Syntax)
    assert issubclass(module.Flags, FlagSet)
    assert callable(module.run)
    text = command_help(row, row.names[0], module.SYNTAX, module.Flags, 100)
    assert f"wherry {row.names[0]}" in text
    assert Context.__name__ in str(module.run.__annotations__)


def test_every_module_has_a_row() -> None:
    in_table = {row.module.removeprefix("wherry.cli.") for row in rows()}
    modules = {
        f"{path.parent.name}.{path.stem}"
        for noun in NOUNS
        for path in (FOLDER / noun).glob("[!_]*.py")
    }
    assert modules - SHARED == in_table


def test_no_name_is_given_twice() -> None:
    names = [name for row in rows() for name in row.names]
    assert len(names) == len(set(names))
