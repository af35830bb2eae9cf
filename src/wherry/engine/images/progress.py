"""What a pull or push tells while it goes on: Docker's progress messages as values."""

from collections.abc import Callable
from threading import Lock

from wherry.values import dataclass

_STEP = 1 << 19  # bytes between two messages about one thing


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """One message. `id` is the layer, or the tag, that it is about; bytes where they are known."""

    status: str
    id: str = ""
    current: int = 0
    total: int = 0


Report = Callable[[Progress], None]


def quietly(_progress: Progress) -> None:
    """Tell nobody."""


class Reporter:
    """Messages of several threads, one at a time."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._lock = Lock()

    def __call__(self, status: str, id_: str = "", current: int = 0, total: int = 0) -> None:
        with self._lock:
            self._report(Progress(status=status, id=id_, current=current, total=total))

    def steps(self, status: str, id_: str, total: int) -> Callable[[int], None]:
        """What to tell how many of `total` bytes have passed; not every call is a message."""
        told = -_STEP

        def step(current: int) -> None:
            nonlocal told
            if current - told >= _STEP or current == total:
                told = current
                self(status, id_, current, total)

        return step
