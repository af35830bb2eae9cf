"""What stands before a command, and commands that only Docker has."""

import json
from pathlib import Path

import pytest

from wherry.testing.command import Wherry

pytestmark = pytest.mark.needs("containers")


def test_the_clients_settings_may_be_elsewhere(wherry: Wherry, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"psFormat": "seen {{.Names}}"}))
    wherry("create", "--name", "it", "busybox")

    # By a fork of the launcher, and by the process itself.
    for launcher in ("on", "off"):
        words = ("--config", str(tmp_path), "ps", "-a")
        assert wherry(*words, WHERRY_LAUNCHER=launcher).stdout == "seen it\n"


@pytest.mark.parametrize("words", [("swarm", "init"), ("context", "ls"), ("volume", "update", "v")])
def test_commands_of_docker_that_are_not_here_say_why_in_a_line(
    wherry: Wherry, words: tuple[str, ...]
) -> None:
    result = wherry(*words, check=False)

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("wherry: there is no 'wherry ")
    assert result.stderr.count("\n") == 1
