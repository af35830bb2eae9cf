"""A build's progress on a terminal: what is done, and what runs with its time and last lines.

Only the part that still changes is drawn again; a step that has ended is printed once, for good,
and scrolls away like any other line.
"""

import os
import shutil
import signal
import time
from types import FrameType

from wherry.build.progress import Event, Kind
from wherry.cli.builds.display import TextDisplay
from wherry.cli.context import write_error
from wherry.lazy import regex
from wherry.values import dataclass, field

_LOG_LINES = 6
_ESCAPES = regex(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\^_])")
_INTERVAL = 0.1  # seconds between two drawings
_FAILED, _DONE, _RUNNING, _DIM = "\x1b[31m", "\x1b[34m", "\x1b[1m", "\x1b[2m"
_PLAIN = "\x1b[0m"


@dataclass(slots=True)
class _Running:
    name: str
    started_ns: int
    lines: list[str] = field(default_factory=list)
    rest: bytes = b""

    @property
    def shown(self) -> list[str]:
        """The last lines; one that is not complete yet counts, too."""
        rest = _printable(self.rest)
        return [*self.lines, rest][-_LOG_LINES:] if rest else self.lines


class TreeDisplay(TextDisplay):
    """Draws on standard error, which is a terminal. A timer keeps the times moving."""

    is_colored = True

    def __init__(self, *, expanded: bool = False) -> None:
        super().__init__(expanded=expanded)
        self._running: dict[str, _Running] = {}
        self._drawn = 0
        self._begun = self._ended = 0
        self._started = time.monotonic()
        self._last = 0.0
        self._busy = False

    def __enter__(self) -> "TreeDisplay":
        # A signal, not a thread: containers are forked from this process. It interrupts waiting
        # system calls, which Python begins again.
        signal.signal(signal.SIGALRM, self._tick)
        signal.setitimer(signal.ITIMER_REAL, _INTERVAL, _INTERVAL)
        return self

    def close(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for vertex in list(self._running):  # what an interrupt ended in another process
            self._end(Event(Kind.FINISHED, vertex, "CANCELED"))
        state = " FINISHED" if self._begun == self._ended else ""
        self._draw([f"{self._summary()}{state}"])
        self._drawn = 0
        super().close()

    def _tick(self, _number: int, _frame: FrameType | None) -> None:
        # Not in the middle of a drawing: what that has written is not known yet.
        if not self._busy and self._running and time.monotonic() - self._last >= _INTERVAL:
            self._draw(self._live())

    def report(self, event: Event) -> None:
        self._busy = True
        try:
            self._take(event)
        finally:
            self._busy = False

    def _take(self, event: Event) -> None:
        if event.kind is Kind.STARTED:
            self._begun += 1
            self._running[event.vertex] = _Running(event.text, event.time_ns)
        elif event.kind is Kind.OUTPUT:
            running = self._running.get(event.vertex)
            if running is not None and event.stream:
                *lines, running.rest = (running.rest + event.data).split(b"\n")
                texts = [_printable(line) for line in lines]
                running.lines = (running.lines + texts)[-_LOG_LINES:]
        elif event.kind is Kind.FINISHED:
            self._end(event)
            return
        if time.monotonic() - self._last >= _INTERVAL:
            self._draw(self._live())

    def _end(self, event: Event) -> None:
        running = self._running.pop(event.vertex, None)
        if running is None:
            return
        self._ended += 1
        word = "CACHED " if event.cached else ""
        if event.text:
            word = "CANCELED " if event.text == "CANCELED" else "ERROR "
        color = _FAILED if event.text else _DONE
        seconds = "" if event.cached else f"{(event.time_ns - running.started_ns) / 1e9:.1f}s"
        line = _line(f" => {word}{running.name}", seconds)
        self._draw([f"{color}{line}{_PLAIN}"], keep=True)
        self._draw(self._live())

    def _live(self) -> list[str]:
        now = time.time_ns()
        out = [self._summary()] if self._running else []
        # What is higher than the terminal could not be drawn over again.
        rows = shutil.get_terminal_size((80, 24)).lines - 2
        steps = list(self._running.values())[: max(1, rows - 1)]
        each = max(0, (rows - len(steps)) // max(1, len(steps)))
        for running in steps:
            seconds = f"{(now - running.started_ns) / 1e9:.1f}s"
            out.append(f"{_RUNNING}{_line(f' => {running.name}', seconds)}{_PLAIN}")
            texts = running.shown[-each:] if each else ()
            out += [f"{_DIM}{_line(f' => => # {text}', '')}{_PLAIN}" for text in texts]
        return out

    def _summary(self) -> str:
        passed = time.monotonic() - self._started
        return f"[+] Building {passed:.1f}s ({self._ended}/{self._begun})"

    def _draw(self, lines: list[str], *, keep: bool = False) -> None:
        """Put `lines` where those that may change were."""
        # From the first column: a terminal shows the ctrl-c that is typed.
        back = f"\r\x1b[{self._drawn}A\x1b[J" if self._drawn else ""
        if lines:
            write_error(back + "\n".join(lines))
        elif back:
            os.write(2, back.encode())
        self._drawn = 0 if keep else len(lines)
        self._last = time.monotonic()


def _line(text: str, right: str) -> str:
    """As wide as the terminal, the time at its right edge."""
    width = shutil.get_terminal_size((80, 24)).columns - 1
    room = max(10, width - len(right) - 1)
    text = " ".join(text.split("\n"))
    if _cells(text) > room:
        while _cells(text) > room - 3:
            text = text[:-1]
        text += "..."
    return f"{text}{' ' * (room - _cells(text))} {right}".rstrip()


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width  # for what is not ASCII

    wide = sum(east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(combining(character) != 0 for character in text)


def _printable(line: bytes) -> str:
    """The last state of a line, without colours and what would move the cursor."""
    text = line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace")
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return "".join(character if character.isprintable() else " " for character in text)
