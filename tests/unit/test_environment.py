"""The environment and paths without the module os, beside what os says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wherry.environment import absolute, encoded, in_home, variable, variables
from wherry.testing.command import SOURCE


@pytest.mark.parametrize(
    "path",
    ["/a/b", "/a/./b", "/a/../b", "/a//b", "/a/", "/", "//a", "a", "", "../a", "/a/.b", "/.."],
)
def test_a_path_is_made_absolute_as_os_does(path: str) -> None:
    assert absolute(path) == os.path.abspath(path)


def test_a_folder_of_the_user_is_where_os_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for home in ("/home/anna", "/home/anna/", None):
        if home is None:
            monkeypatch.delenv("HOME")
        else:
            monkeypatch.setenv("HOME", home)
        assert in_home(".docker") == os.path.expanduser("~/.docker")


def test_a_change_of_the_environment_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERRY_ROOT", "/elsewhere")

    assert variable("WHERRY_ROOT") == variables()["WHERRY_ROOT"] == "/elsewhere"
    assert variable("WHERRY_NO_SUCH") == ""


def test_bytes_that_are_no_text_are_kept() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n"
        "from wherry.environment import encoded, variable, variables\n"
        "assert 'os' not in sys.modules\n"
        "value = variable('ODD')\n"
        "assert variables()['ODD'] == value\n"
        "sys.stdout.write(encoded(value).hex())"
    )
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        env={b"ODD": b"\xff/x"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout == b"\xff/x".hex()
    assert encoded("/ä") == os.fsencode(Path("/ä"))


def test_a_client_of_a_container_loads_no_os() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n"
        "import wherry.cli.main, wherry.cli.containers.exec, wherry.cli.containers.run\n"
        "import wherry.cli.containers.streaming, wherry.cli.warm_client\n"
        "sys.stdout.write(str('os' in sys.modules))"
    )
    command = [sys.executable, "-I", "-S", "-c", program]
    found = subprocess.run(command, capture_output=True, text=True, check=True)

    assert found.stdout == "False"
