"""Terminals: pseudo-terminal pairs of one devpts, controlling terminal, window size."""

import fcntl
import os
import termios
from struct import Struct

_TIOCSPTLCK = 0x40045431
_TIOCGPTPEER = 0x5441
_TIOCSCTTY = 0x540E
_WINDOW = Struct("=HHHH")
_UNLOCKED = bytes(4)


def open_peer(master: int) -> int:
    """Unlock the terminal of `master` and open it, on the very devpts it came from."""
    fcntl.ioctl(master, _TIOCSPTLCK, _UNLOCKED)
    # ioctl_tty(2): no path is involved, so nobody can put another file there.
    return fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)


def set_window_size(terminal: int, height: int, width: int) -> None:
    """Tell `terminal` its size in characters; its processes get SIGWINCH."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, _WINDOW.pack(height, width, 0, 0))


def make_controlling(terminal: int) -> None:
    """Make `terminal` the controlling terminal of this session leader."""
    fcntl.ioctl(terminal, _TIOCSCTTY, 0)
