"""The client's terminal: its size, and its raw mode while a container's terminal is attached."""

import _signal as signal  # type: ignore[import-not-found]  # signal itself loads enum
import posix  # os would take a millisecond, see `wherry.environment`

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType


class Terminal:
    """Standard input as a raw terminal, for the block."""

    def __init__(self) -> None:
        import termios  # for those who have one

        self._termios = termios
        self._before = termios.tcgetattr(0)

    def __enter__(self) -> "Terminal":
        raw = self._termios.tcgetattr(0)
        t = self._termios
        raw[0] &= ~(
            t.IGNBRK | t.BRKINT | t.PARMRK | t.ISTRIP | t.INLCR | t.IGNCR | t.ICRNL | t.IXON
        )
        raw[1] &= ~t.OPOST
        raw[2] = raw[2] & ~(t.CSIZE | t.PARENB) | t.CS8
        raw[3] &= ~(t.ECHO | t.ECHONL | t.ICANON | t.ISIG | t.IEXTEN)
        raw[6][t.VMIN], raw[6][t.VTIME] = 1, 0
        # A raw terminal must not outlive us, also not when we are told to go.
        for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, self._restore_and_die)
        t.tcsetattr(0, t.TCSANOW, raw)
        return self

    def _restore_and_die(self, number: int, _frame: "FrameType | None") -> None:
        self.__exit__()
        signal.signal(number, signal.SIG_DFL)
        posix.kill(posix.getpid(), number)

    def __exit__(self, *_error: object) -> None:
        self._termios.tcsetattr(0, self._termios.TCSANOW, self._before)


def window_size() -> "tuple[int, int]":
    """Rows and columns of the terminal at standard output or input; zeros without one."""
    for descriptor in (1, 0):
        try:
            columns, rows = posix.get_terminal_size(descriptor)
        except OSError:
            continue
        return rows, columns
    return 0, 0


def check_terminal(*, stdin: bool, tty: bool) -> bool:
    """Whether standard input can be what a container's terminal is typed at."""
    return not (stdin and tty) or posix.isatty(0)
