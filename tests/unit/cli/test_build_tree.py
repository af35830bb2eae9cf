"""Lines of a build's progress: as wide as the terminal, whatever is in them."""

import pytest

from wherry.cli.builds.tree import _cells, _line, _printable


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"\x1b[31mred\x1b[0m \x1b[1;2Hhere\x1b[K", "red here"),
        (b"\x1b]0;title\x07text", "text"),
        (b"10%\r20%\r99%\r", "99%"),
        (b"caf\xe9\tx\x00y", "caf\ufffd x y"),
        ("日本".encode(), "日本"),
    ],
)
def test_a_line_is_shown_without_what_steers_a_terminal(written: bytes, shown: str) -> None:
    assert _printable(written) == shown


@pytest.mark.parametrize("text", ["short", "x" * 200, "日本語" * 30, "e\u0301" * 90])
def test_a_line_ends_where_the_terminal_does(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    line = _line(text, "1.5s")

    assert line.endswith(" 1.5s")
    assert 58 <= _cells(line) <= 59
