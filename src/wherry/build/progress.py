"""What a build tells while it runs.

    started(vertex) ─ missed(vertex)? ─ output(vertex, stream, data)* ─ finished(vertex, …)

A vertex is what BuildKit calls one line of its progress: a step, or something around the steps.
Events are plain values, so that they also come from the processes of parallel stages.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum

from wherry.values import dataclass, field


class Kind(IntEnum):
    STARTED = 1
    OUTPUT = 2
    FINISHED = 3
    MISSED = 4
    """The cache does not have it: it is carried out."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the vertex `vertex`, which is unique in its build."""

    kind: Kind
    vertex: str
    text: str = ""
    """Its name when it starts, why it failed when it ends."""
    data: bytes = b""
    stream: int = 0
    cached: bool = False
    time_ns: int = field(default_factory=time.time_ns)


Report = Callable[[Event], None]


@contextmanager
def vertex(report: Report, name: str, key: str = "") -> Iterator[Callable[[str], None]]:
    """Report the block as a vertex; what it gives prints a line of it."""
    key = key or name
    report(Event(Kind.STARTED, key, name))

    def say(line: str) -> None:
        report(Event(Kind.OUTPUT, key, data=f"{line}\n".encode(), stream=0))

    try:
        yield say
    except BaseException as error:
        report(Event(Kind.FINISHED, key, _reason(error)))
        raise
    report(Event(Kind.FINISHED, key))


def _reason(error: BaseException) -> str:
    return "CANCELED" if isinstance(error, KeyboardInterrupt) else str(error) or "failed"
