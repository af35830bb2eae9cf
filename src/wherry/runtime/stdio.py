"""The three descriptors a process starts with."""

from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Stdio:
    """Descriptors of the caller, who keeps and closes them."""

    stdin: int
    stdout: int
    stderr: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Terminal:
    """Where the controlling side of a new terminal goes: to the caller, or over a socket of theirs.

    `socket` is a connected Unix stream socket that takes the descriptor, as --console-socket asks.
    """

    socket: int | None = None


INHERITED = Stdio(stdin=0, stdout=1, stderr=2)
