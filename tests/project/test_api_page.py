"""The page of the API's endpoints is the one that the routes make."""

from pathlib import Path

from wherry.testing.api_page import page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"


def test_the_page_of_endpoints_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "python -m wherry.testing.api_page > docs/reference/api.md"
