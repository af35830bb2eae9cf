"""Tables as Go's tabwriter lays them out for Docker."""

from wherry.cli.tables import table_lines


def test_cells_are_ten_wide_and_three_apart_and_the_last_is_not_padded() -> None:
    assert table_lines([("DRIVER", "VOLUME NAME"), ("local", "data")]) == [
        "DRIVER    VOLUME NAME",
        "local     data",
    ]
    assert table_lines([("a" * 9, "b"), ("c", "d")]) == ["aaaaaaaaa   b", "c           d"]


def test_a_short_row_ends_the_columns_behind_its_last_cell() -> None:
    assert table_lines([("a", "b" * 20, "c"), ("x",), ("a", "b", "c")]) == [
        "a         bbbbbbbbbbbbbbbbbbbb   c",
        "x",
        "a         b         c",
    ]


def test_nothing_makes_no_lines() -> None:
    assert table_lines([]) == []
