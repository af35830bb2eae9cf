"""Completion: what can stand at the cursor, and that shells offer it."""

import shutil
import subprocess

import pytest

from wherry.cli.completion.place import place_in
from wherry.cli.completion.scripts import SCRIPTS
from wherry.cli.main import GlobalFlags
from wherry.testing.command import Wherry

# Bash completes without a terminal when the function is called as readline calls it.
BASH = r"""
compopt() { :; }
source <(wherry completion bash)
COMP_LINE=$1; COMP_POINT=${#1}
IFS=$'\n' read -r -d '' -a COMP_WORDS < <(
    printf '%s' "$1" | sed 's/\([:=]\)/\n\1\n/g; s/ /\n/g' | sed '/^$/d')
[[ $1 == *' ' ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_wherry
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("", "command"),
        ("ru", "command"),
        ("container ", "command"),
        ("image tag l", "command or operand 0"),
        ("--root ", "value of root"),
        ("--root /x ps --", "flag"),
        ("run --name ", "value of name"),
        ("run --name=we", "value of name"),
        ("run -itv ", "value of volume"),
        ("run -v/a:/b ", "operand 0"),
        ("run -it --rm ", "operand 0"),
        ("run busybox -", "operand 1"),
        ("rm one ", "operand 1"),
        ("rm one -", "flag"),
        ("rm -- -", "operand 0"),
        ("nothing such ", "command"),
    ],
)
def test_the_place_of_the_cursor_is_known(line: str, what: str) -> None:
    place = place_in(line.split(" "), GlobalFlags)

    found = []
    if place.below is not None:
        found.append("command")
    if place.flag is not None:
        found.append(f"value of {place.flag.name}")
    if place.flags:
        found.append("flag")
    if place.syntax is not None:
        found.append(f"operand {len(place.operands)}")
    assert " or ".join(found) == what


@pytest.mark.needs("containers")
def test_names_that_can_stand_there_are_offered(wherry: Wherry) -> None:
    wherry("create", "--name", "asleep", "busybox")
    wherry("volume", "create", "shelf")

    def offered(*words: str) -> list[str]:
        return [line.split("\t")[0] for line in wherry("__complete", *words).stdout.splitlines()]

    assert offered("start", "") == ["asleep", ":"]
    assert offered("start", "asleep", "") == [":"]
    assert offered("stop", "") == [":"]
    assert offered("run", "--rm", "busy") == ["busybox:latest", ":"]
    assert offered("run", "-v", "sh") == ["shelf", ":files"]
    assert offered("run", "--restart=un") == ["--restart=unless-stopped", ":"]
    assert offered("run", "--pull", "") == ["always", "missing", "never", ":"]
    assert offered("lint", "-f", "gi") == ["gitlab_codeclimate", "github", ":"]
    assert offered("cp", "") == ["asleep:", ":files"]
    assert {"asleep", "busybox:latest", "shelf", "bridge"} < set(offered("inspect", ""))
    nowhere = wherry.root.with_name("nowhere")
    assert offered("--root", str(nowhere), "start", "") == [":"]
    assert not nowhere.exists()


@pytest.mark.needs("containers")
@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("wherry unpa", ["unpause"]),
        ("wherry run --restart=un", ["unless-stopped"]),
        ("wherry run busybox:la", ["latest"]),
        ("wherry run -e A=b busyb", ["busybox:latest"]),
        ("wherry volume ins", ["inspect"]),
        ("wherry build /usr/sha", ["/usr/share/"]),
    ],
)
def test_bash_offers_the_rest_of_its_own_word(
    wherry: Wherry, line: str, replies: list[str]
) -> None:
    program = f'wherry() {{ {" ".join(wherry.command())} "$@"; }}\n{BASH}'
    result = subprocess.run(
        ["bash", "--norc", "-c", program, "bash", line],
        env=wherry.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.splitlines() == replies


@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_a_shell_can_read_its_script(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=SCRIPTS[shell], text=True, check=True)
