"""What a process says, collected: its output from the frames of an attached connection."""

from threading import Thread

from wherry.shim.client import Connection, SupervisorGone
from wherry.shim.protocol import STDERR
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """A process that has ended."""

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""


def collect(connection: Connection, stdin: bytes | None = None) -> Collected:
    """Feed `stdin` to the process and read until it has ended; an error is raised instead."""
    stdout: list[bytes] = []
    stderr: list[bytes] = []

    def keep(stream: int, body: bytes) -> None:
        (stderr if stream == STDERR else stdout).append(bytes(body))

    writer = Thread(target=_write, args=(connection, stdin), daemon=True)
    try:
        started = False
        for message in connection.controls(keep):
            if not started and "started" in message:
                started = True
                writer.start()  # beside us: a process may write before it reads all
            if "exit" in message:
                code = message["exit"]
                return Collected(
                    exit_code=code if isinstance(code, int) else 0,
                    stdout=b"".join(stdout),
                    stderr=b"".join(stderr),
                )
        raise SupervisorGone
    finally:
        connection.close()


def _write(connection: Connection, stdin: bytes | None) -> None:
    if stdin:
        connection.send(stdin)
    connection.end_input()
