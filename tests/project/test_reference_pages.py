"""The pages that are made from the program are what it makes of itself now."""

from collections.abc import Callable
from pathlib import Path

import pytest

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
