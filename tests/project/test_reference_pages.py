"""The pages that are made from the program are what it makes of itself now."""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

import pytest

import wherry.api.routes
from wherry.api.routes.table import routes_of
from wherry.testing import api_page, commands_page, python_page

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize(
    ("name", "made", "by"),
    [
        ("api.md", api_page.page, "api_page"),
        ("commands.md", commands_page.page, "commands_page"),
        ("python.md", python_page.page, "python_page"),
    ],
    ids=["api", "commands", "python"],
)
def test_the_page_is_up_to_date(name: str, made: Callable[[], str], by: str) -> None:
    assert (FOLDER / name).read_text() == made(), (
        f"python -m wherry.testing.{by} > docs/reference/{name}"
    )


def test_every_route_is_found_by_the_first_word_of_its_path() -> None:
    modules = (
        importlib.import_module(f"wherry.api.routes.{each.name}")
        for each in pkgutil.iter_modules(wherry.api.routes.__path__)
        if each.name != "table"
    )
    lost = {
        (module.__name__, route.pattern)
        for module in modules
        for route in module.ROUTES
        if route not in routes_of(route.pattern.split("/")[1])
    }
    assert lost == set()
