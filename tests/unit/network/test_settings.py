from ipaddress import ip_address
from pathlib import Path

import pytest

from wherry.errors import InvalidArgument
from wherry.network.settings import publish_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", None),
        ("[registry]\n", None),
        ('[network]\npublish-address = "127.0.0.1"\n', "127.0.0.1"),
        ('[network]\npublish-address = "0.0.0.0"\n', None),
        ('[network]\npublish-address = "::1"\n', "::1"),
    ],
)
def test_ports_are_published_where_the_administrator_says(
    tmp_path: Path, text: str, address: str | None
) -> None:
    (tmp_path / "config.toml").write_text(text)

    found = publish_address(tmp_path / "config.toml")

    assert found == (ip_address(address) if address else None)


def test_no_file_says_nothing(tmp_path: Path) -> None:
    assert publish_address(tmp_path / "config.toml") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[network]\npublish-address = "here"\n', r"network\.publish-address: 'here' does not"),
        ("network = 1\n", "network must be a table"),
        ("[\n", r".* \(at line 1"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "config.toml").write_text(text)

    with pytest.raises(InvalidArgument, match=rf"config\.toml: {problem}"):
        publish_address(tmp_path / "config.toml")
