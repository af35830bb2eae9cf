"""Pull, push and load on a terminal, beside Docker: what is on the screen in the end."""

import gzip
import os
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from wherry.cli.progress import bar
from wherry.testing.archives import old_archive, tar
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.registries import DockerRegistry, HostileRegistry
from wherry.testing.terminal import Terminal

LAYERS = [tar({f"{seed}": random.Random(seed).randbytes(1_500_000)}) for seed in (1, 2)]
_PART = re.compile(r"\x1b\[(\d*)([ABKJm])|([\r\n])|([^\x1b\r\n]+)")
_BAR = re.compile(r"\w{12}: (Downloading|Extracting|Pushing|Loading layer) +\[=*> *\] +\S+B/\S+B")


def screen(shown: str) -> list[str]:
    """The lines that a terminal has after it was sent this."""
    lines = [""]
    row = 0
    column = 0
    for count, command, control, text in _PART.findall(shown):
        if command == "A":
            row = max(row - int(count or 1), 0)
        elif command == "B":
            row += int(count or 1)
        elif command == "K":
            lines[row] = "" if count == "2" else lines[row][:column]
        elif control == "\r":
            column = 0
        elif control == "\n":
            row, column = row + 1, 0
        elif text:
            before = lines[row].ljust(column)
            lines[row] = before[:column] + text + before[column + len(text) :]
            column += len(text)
        lines += [""] * (row + 1 - len(lines))
    return [line.rstrip() for line in lines]


def on_a_terminal(command: Sequence[str], environment: Mapping[str, str]) -> str:
    with Terminal(command, environment, columns=200) as terminal:
        assert terminal.ended() == 0, terminal.seen
        return terminal.seen


@pytest.mark.parametrize(
    ("done", "total", "columns", "expected"),
    [
        (0, 100, 80, "      0B/100B"),
        (31_230_000, 170_400_000, 80, " 31.23MB/170.4MB"),
        (50, 100, 200, f"[{'=' * 25}>{' ' * 25}]      50B/100B"),
        (100, 100, 200, f"[{'=' * 50}>]     100B/100B"),
        (300, 100, 200, f"[{'=' * 50}>]     300B"),
    ],
)
def test_a_bar_is_dockers(done: int, total: int, columns: int, expected: str) -> None:
    assert bar(done, total, columns) == expected


@pytest.fixture(scope="module")
def neighbour() -> Iterator[Dockerd]:
    """A Docker daemon that shares our network, and with it the registry."""
    with Dockerd("--iptables=false", "--bridge=none", own_network=False) as daemon:
        yield daemon


@pytest.mark.needs("root", "overlay", "dockerd", "docker", "registry")
def test_the_screen_is_dockers(neighbour: Dockerd, tmp_path: Path) -> None:
    wherry = Wherry(tmp_path / "root", tmp_path / "run")
    environment = {"DOCKER_CONFIG": str(tmp_path / "docker"), "WHERRY_LAUNCHER": "off"}
    wherry.environment |= environment
    archive = tmp_path / "archive"
    with HostileRegistry() as source, DockerRegistry() as one, DockerRegistry() as other:
        source.add_image({gzip.compress(layer, 1): layer for layer in LAYERS})
        tags = (f"{one.host}/app:1", f"{other.host}/app:1")
        archive.write_bytes(old_archive(LAYERS[::-1], *tags))
        docker = neighbour.environment | {"DOCKER_CONFIG": os.fspath(tmp_path)}
        for words in (
            ("pull", f"{source.host}/team/app"),
            ("pull", f"{source.host}/team/app"),
            ("load", "-i", str(archive)),
            ("push", "TAG"),
        ):
            ours, theirs = (
                on_a_terminal([word.replace("TAG", tag) for word in command], variables)
                for command, variables, tag in (
                    (wherry.command(*words), wherry.environment, tags[0]),
                    (["docker", *words], docker, tags[1]),
                )
            )
            assert plain(ours) == plain(theirs), words
            assert _BAR.search(ours) or not _BAR.search(theirs), words


def plain(shown: str) -> list[str]:
    """The screen, without what differs between two registries and packings."""
    varying = r"sha256:\w+ size: \d+|localhost:\d+"
    return [re.sub(varying, "", line) for line in screen(shown)]
