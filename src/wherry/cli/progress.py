"""Bars on a terminal, one line for each thing that moves on, as Docker draws them.

5f70bf18a086: Loading layer [=========>            ]  31.2MB/170.4MB
"""

import time
from threading import Lock

from wherry.cli.context import Context
from wherry.cli.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_WIDTH = 50
_INTERVAL = 0.1  # seconds between two drawings of a line


class Bars:
    """The lines, drawn in place. Threads may share it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = Lock()
        self._lines: dict[str, int] = {}
        self._drawn: dict[str, float] = {}

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self._context.flush()

    def show(self, name: str, action: str, done: int, total: int) -> None:
        """Say how far `name` is; most calls draw nothing."""
        now = time.monotonic()
        with self._lock:
            if done < total and now - self._drawn.get(name, 0.0) < _INTERVAL:
                return
            self._drawn[name] = now
            filled = _WIDTH * min(done, total) // total if total else _WIDTH
            bar = ("=" * filled + ">" * (filled < _WIDTH))[:_WIDTH].ljust(_WIDTH)
            self._draw(name, f"{name}: {action} [{bar}]  {human_size(done)}/{human_size(total)}")

    def _draw(self, name: str, text: str) -> None:
        if name not in self._lines:
            self._lines[name] = len(self._lines)
            self._context.out(text)
        else:
            up = len(self._lines) - self._lines[name]
            self._context.write(f"\x1b[{up}A\r\x1b[2K{text}\x1b[{up}B\r")
        self._context.flush()
