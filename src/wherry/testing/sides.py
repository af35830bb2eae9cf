"""Two command lines that are to behave the same: ours, and docker's on a daemon of the suite's."""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.terminal import Terminal
from wherry.values import dataclass

_PREFIX = re.compile(r"(?m)^(Error response from daemon|docker|wherry|[Ee]rror): ")
_IDENTIFIER = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{12})\b")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]{8,}(?: ?[+-]\d\d:?\d\d|Z)?(?: UTC)?")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed and how it ended, without what differs from run to run."""

    stdout: str
    stderr: str
    status: int


@dataclass(frozen=True, slots=True)
class Side:
    """A command line, and the environment in which it finds its engine."""

    name: str
    program: tuple[str, ...]
    environment: Mapping[str, str]

    def __call__(
        self, *words: str, stdin: bytes | None = None, timeout: float = 60, **environment: str
    ) -> Outcome:
        """Run `words`, whatever comes of it."""
        return self._outcome(self.command(*words), stdin, timeout, environment)

    def shell(self, script: str, timeout: float = 60) -> Outcome:
        """Run a shell script in which the program is called `it`."""
        start = " ".join(f"'{word}'" for word in self.program)
        text = f'it() {{ {start} "$@"; }}\n{script}'
        return self._outcome(["bash", "-c", text], None, timeout, {})

    def command(self, *words: str) -> list[str]:
        return [*self.program, *words]

    @contextmanager
    def start(self, *words: str, stdin: int | None = None) -> "Iterator[subprocess.Popen[bytes]]":
        """`words` under way, for a block; their output can be read from the process."""
        with subprocess.Popen(
            self.command(*words),
            env=dict(self.environment),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def terminal(self, *words: str, rows: int = 24, columns: int = 80) -> Terminal:
        return Terminal(self.command(*words), self.environment, rows=rows, columns=columns)

    def _outcome(
        self,
        command: Sequence[str],
        stdin: bytes | None,
        timeout: float,
        environment: Mapping[str, str],
    ) -> Outcome:
        result = subprocess.run(
            command,
            env={**self.environment, **environment},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        stdout, stderr = (plain(text.decode(errors="replace")) for text in (
            result.stdout, result.stderr,
        ))  # fmt: skip
        return Outcome(stdout, stderr, result.returncode)


def plain(text: str) -> str:
    """`text` without names of the program, numbers of containers and moments."""
    text = _PREFIX.sub("", text).replace("Error response from daemon: ", "")
    text = _MOMENT.sub("<moment>", _IDENTIFIER.sub("<id>", text))
    return re.sub(r"\b(docker|wherry)\b", "it", text)


def wherry_side(wherry: Wherry) -> Side:
    return Side("wherry", tuple(wherry.command()), wherry.environment)


def docker_side(dockerd: Dockerd) -> Side:
    return Side("docker", ("docker",), dockerd.environment)
