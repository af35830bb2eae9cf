"""Processes of a container as ps(1) shows them."""

import subprocess
from collections.abc import Collection, Sequence

from wherry.errors import Internal, InvalidArgument

DEFAULT_OPTIONS = ("-ef",)


def list_processes(pids: Collection[int], options: Sequence[str] = DEFAULT_OPTIONS) -> list[str]:
    """The heading of `ps options` and its lines about `pids`."""
    try:
        answer = subprocess.run(
            ["ps", *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise Internal("exec: ps: executable file not found in $PATH") from error
    if answer.returncode != 0:
        raise InvalidArgument(f"ps: {answer.stderr.strip() or answer.returncode}")
    heading, *lines = answer.stdout.splitlines() or [""]
    column = _pid_column(heading)
    wanted = {str(pid) for pid in pids}
    return [heading, *(line for line in lines if _field(line, column) in wanted)]


def _pid_column(heading: str) -> int:
    try:
        return heading.split().index("PID")
    except ValueError:
        raise InvalidArgument("couldn't find PID field in ps output") from None


def _field(line: str, column: int) -> str:
    fields = line.split(None, column + 1)
    return fields[column] if column < len(fields) else ""
