"""An interpreter that what it executes cannot change."""

import subprocess
import sys

import pytest

AGAIN = """
import sys
from wherry.linux.sealed import execute_sealed, is_sealed
print(is_sealed(), flush=True)
*words, times = sys.orig_argv
if int(times):
    execute_sealed([*words, str(int(times) - 1)])
"""


@pytest.mark.needs("root")
def test_a_program_that_begins_again_and_again_stays_sealed() -> None:
    result = subprocess.run(
        [sys.executable, "-c", AGAIN, "3"], capture_output=True, text=True, check=True
    )

    assert result.stdout.split()[1:] == ["True", "True", "True"]
