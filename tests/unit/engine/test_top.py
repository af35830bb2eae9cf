"""Choosing a container's lines from what ps prints."""

import pytest

from wherry.engine.containers.top import parse_process_table
from wherry.errors import InvalidArgument

OUTPUT = """\
UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 Nov23 ?        00:00:01 /sbin/init --with words
root          12       1  0 Nov23 ?        00:00:00 sleep 100
"""


def test_lines_of_other_processes_are_left_out_and_the_last_column_keeps_its_blanks() -> None:
    table = parse_process_table(OUTPUT, frozenset({1}))

    assert table.titles == ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")
    assert [row[-1] for row in table.rows] == ["/sbin/init --with words"]


@pytest.mark.parametrize("output", ["", "COMMAND\nsleep\n"])
def test_without_a_column_of_numbers_there_is_nothing_to_choose_by(output: str) -> None:
    with pytest.raises(InvalidArgument, match="Couldn't find PID field in ps output"):
        parse_process_table(output, frozenset())
