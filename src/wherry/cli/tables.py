"""Tables as Docker lays them out: text/tabwriter with cells of at least 10 columns, 3 between.

The last column is not padded. Widths count characters, as Go's tabwriter does.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEAST_WIDTH = 10
PADDING = 3


def table_lines(
    rows: "Iterable[Sequence[str]]", least: int = LEAST_WIDTH, padding: int = PADDING
) -> "list[str]":
    """The rows, the titles among them, as lines whose cells stand below each other.

    Like tabwriter, a column ends where a row is too short to have a cell behind it.
    """
    cells = [list(row) for row in rows]
    widths = _widths(cells, least, padding)
    return [
        "".join([cell.ljust(width) for cell, width in zip(row, fit, strict=False)] + row[-1:])
        for row, fit in zip(cells, widths, strict=True)
    ]


def _widths(cells: "list[list[str]]", least: int, padding: int) -> "list[list[int]]":
    """For each row the widths of all its cells but the last."""
    widths: list[list[int]] = [[0] * (len(row) - 1) for row in cells]
    deepest = max((len(row) for row in cells), default=0)
    for column in range(deepest - 1):
        start = 0
        while start < len(cells):
            end = start
            while end < len(cells) and column < len(cells[end]) - 1:
                end += 1
            block = cells[start:end]
            width = max([least, *(len(row[column]) + padding for row in block)])
            for index in range(start, end):
                widths[index][column] = width
            start = max(end, start + 1)
    return widths
