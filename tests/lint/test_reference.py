"""The reference page is what the rules' docstrings say."""

from pathlib import Path

from wherry.lint.pages import reference

PAGE = Path(__file__).parent.parent.parent / "docs/reference/lint.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == reference(), "python -m wherry.lint.pages > docs/reference/lint.md"
