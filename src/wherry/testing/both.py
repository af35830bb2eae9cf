"""Wherry and Docker, asked the same."""

import re
import shlex
import subprocess

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.values import dataclass


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str


def _plain(text: str) -> str:
    """What is the same for both: no IDs drawn at random, no names of programs."""
    for prefix in ("docker: ", "wherry: ", "Error response from daemon: ", "Error: "):
        text = re.sub(rf"(?m)^{prefix}", "", text)
    # Words of later versions than the daemon's, and what the stock client adds to them.
    text = text.replace("invalid pool request: ", "").removesuffix("exit status 1\n")
    text = re.sub(r"\b[0-9a-f]{64}\b", "<id>", text)
    text = re.sub(r"\b[0-9a-f]{12}\b", "<short>", text)
    text = re.sub(r"(?m)^Hint: .*\n?", "", text)
    text = re.sub(r"(?ms)^(\n?See|\n?Run) '.*", "", text)
    return text.replace("wherry ", "docker ").strip()


def _answer(result: "subprocess.CompletedProcess[str]") -> Answer:
    return Answer(result.returncode, _plain(result.stdout), _plain(result.stderr))


class Both:
    """The two engines, asked the same."""

    def __init__(self, wherry: Wherry, dockerd: Dockerd) -> None:
        self.wherry = wherry
        self.dockerd = dockerd

    def __call__(self, line: str) -> tuple[Answer, Answer]:
        words = shlex.split(line)
        ours = self.wherry(*words, check=False)
        return _answer(ours), _answer(self.dockerd.docker(*words, check=False))

    def on_hosts(self, line: str) -> tuple[str, str]:
        """The output of a shell line, run on the host of each."""
        words = ["sh", "-c", line]
        inside = ["nsenter", "-t", str(self.dockerd.pid), "-n", *words]
        return _output(words), _output(inside)

    def remove_everything(self) -> None:
        """Remove what tests have made with either."""
        self.wherry.remove_everything()
        self.dockerd.remove_everything()


def _output(words: list[str]) -> str:
    result = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    return result.stdout.strip()
