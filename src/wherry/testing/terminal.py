"""A terminal for a program under test, with somebody who types and reads at it."""

import os
import select
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

from wherry.linux.tty import set_window_size


class Terminal:
    """A program on a pseudo-terminal that is its controlling one. A context manager."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        rows: int = 24,
        columns: int = 80,
    ) -> None:
        self._ours, self._theirs = os.openpty()
        set_window_size(self._ours, rows, columns)
        self.before = termios.tcgetattr(self._theirs)
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            env=environment,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
        )
        self.seen = ""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._ours, text.encode())

    def until(self, text: str, seconds: float = 15) -> str:
        """What has been shown up to and with `text`; what comes after is kept for the next."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._ours], [], [], left)[0]:
                raise AssertionError(f"no {text!r} within {seconds} s; seen: {self.seen!r}")
            self.seen += os.read(self._ours, 65536).decode(errors="replace")
        shown, found, self.seen = self.seen.partition(text)
        return shown + found

    def resize(self, rows: int, columns: int) -> None:
        """Drag the corner of the window."""
        set_window_size(self._ours, rows, columns)

    def ended(self, seconds: float = 20) -> int:
        """The exit status, once the program has ended; what it still shows is read meanwhile."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"still running after {seconds} s; seen: {self.seen!r}")
            self._read_some()
        while self._read_some():
            pass
        return self.process.returncode

    def _read_some(self) -> bool:
        if not select.select([self._ours], [], [], 0.02)[0]:
            return False
        self.seen += os.read(self._ours, 65536).decode(errors="replace")
        return True

    def is_restored(self) -> bool:
        """Whether the terminal's settings are what they were at first."""
        return termios.tcgetattr(self._theirs) == self.before
