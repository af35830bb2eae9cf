"""What every fork of the launcher would pay for is not loaded by it."""

import subprocess
import sys

from wherry.testing.command import SOURCE


def test_nothing_that_supervisors_are_forked_from_imports_threading() -> None:
    # Its hook runs in each forked child and looks at half a megabyte.
    program = f"""
import sys
sys.path.insert(0, {str(SOURCE)!r})
import wherry.launcher
print("threading" in sys.modules)
"""
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, capture_output=True, text=True, check=True)

    assert found.stdout == "False\n"
