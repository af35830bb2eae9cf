"""Bars on a terminal, one line for each thing that moves on, as Docker draws them.

5f70bf18a086: Loading layer [=========>            ]  31.2MB/170.4MB
"""

import os
import time
from threading import Lock

from wherry.cli.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, Self

    class Sink(Protocol):
        """Where lines go: a command's context, or another output."""

        def write(self, text: str) -> None: ...
        def flush(self) -> None: ...


_WIDTH = 50
_ROOM = 110  # columns that a terminal must have more of, or there are numbers alone
_INTERVAL = 0.1  # seconds between two drawings of a line


class Bars:
    """The lines, drawn in place. Threads may share it."""

    def __init__(self, sink: "Sink", descriptor: int = 1) -> None:
        self._sink = sink
        self._columns = os.get_terminal_size(descriptor).columns
        self._lock = Lock()
        self._lines: dict[str, int] = {}
        self._drawn: dict[str, float] = {}

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_error: object) -> None:
        self._sink.flush()

    def show(self, name: str, action: str, done: int, total: int) -> None:
        """Say how far `name` is; most calls draw nothing."""
        now = time.monotonic()
        with self._lock:
            if done < total and now - self._drawn.get(name, 0.0) < _INTERVAL:
                return
            self._drawn[name] = now
            self._draw(name, f"{name}: {action} {bar(done, total, self._columns)}")

    def tell(self, name: str, text: str) -> None:
        """Put `text` on the line of `name`."""
        with self._lock:
            self._draw(name, f"{name}: {text}")

    def note(self, text: str) -> None:
        """Print a line that stays; the lines above it are done."""
        with self._lock:
            self._sink.write(text + "\n")
            self._sink.flush()
            self._lines.clear()

    def _draw(self, name: str, text: str) -> None:
        if name not in self._lines:
            self._lines[name] = len(self._lines)
            self._sink.write(text + "\n")
        else:
            up = len(self._lines) - self._lines[name]
            self._sink.write(f"\x1b[{up}A\r\x1b[2K{text}\x1b[{up}B\r")
        self._sink.flush()


def bar(done: int, total: int, columns: int) -> str:
    """How far something is, as Docker's client shows it on a terminal of so many columns."""
    box = ""
    if columns > _ROOM:
        filled = min(int(done / total * 100) // 2, _WIDTH)
        box = f"[{'=' * filled}>{' ' * (_WIDTH - filled)}] "
    numbers = f"{human_size(done):>8}"
    return f"{box}{numbers}/{human_size(total)}" if done <= total else f"{box}{numbers}"
